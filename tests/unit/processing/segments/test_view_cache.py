"""Views are opened with as little work as possible, and can be opened by another process."""

import pickle
from pathlib import Path

import pytest

from processing.segments import view_cache
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import Manifest, decode_manifest
from processing.segments.seal import seal
from processing.segments.view_cache import ViewCache
from tests.support.installation import SHOP, Installation, ga4


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    installation = Installation(tmp_path)
    installation.send(ga4(1))
    installation.receive()
    seal(installation.store, ColumnCache(installation.store), SHOP.id)
    installation.send(ga4(2))
    installation.receive()
    return installation


@pytest.mark.django_db
def test_it_works(installation: Installation) -> None:
    """A pinned view can be sent to another process, which opens the same view."""
    pinned = ViewCache(installation.store).pin(SHOP.id)
    sent = pickle.loads(pickle.dumps(pinned))  # noqa: S301 - these bytes are the test's own
    opened = ViewCache(installation.store).open(sent)
    assert opened.state == ViewCache(installation.store).open(pinned).state
    assert opened.counts().counted == 2


@pytest.mark.django_db
def test_a_manifest_is_decoded_once_until_it_changes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []

    def decode(data: bytes) -> Manifest:
        decoded.append(data)
        return decode_manifest(data)

    monkeypatch.setattr(view_cache, "decode_manifest", decode)
    views = ViewCache(installation.store)
    assert [views.view(SHOP.id).counts().counted for _ in range(3)] == [2, 2, 2]
    assert len(decoded) == 1
    seal(installation.store, ColumnCache(installation.store), SHOP.id)
    assert views.view(SHOP.id).counts().counted == 2
    assert len(decoded) == len(set(decoded)) == 2
