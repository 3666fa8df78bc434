"""Views are opened with as little work as possible, and can be opened by another process."""

import pickle
from pathlib import Path

import pytest

from processing.segments import read_view, view_cache
from processing.segments.column_cache import ColumnCache
from processing.segments.manifest import Manifest, decode_manifest
from processing.segments.read_view import PinnedView, ReadView
from processing.segments.seal import seal
from processing.segments.view_cache import ATTEMPTS, FRESH_S, ViewCache
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


class Slow(ViewCache):
    """Takes the given times (s) to open views, while hits arrive."""

    def __init__(self, installation: Installation, *durations: float) -> None:
        super().__init__(installation.store)
        self.installation, self.durations, self.now, self.opened = installation, list(durations), 1000.0, 0

    def open(self, pinned: PinnedView) -> ReadView:
        view = super().open(pinned)
        self.opened += 1
        self.now += self.durations.pop(0) if self.durations else 0.0
        self.installation.send(ga4(10 + self.opened))
        self.installation.receive()
        return view


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("durations", "opened", "age_s", "counted"),
    [
        ([0.1], 1, 0.1, 2),
        ([FRESH_S + 1, 0.2], 2, 0.2, 3),
        ([60.0, 60.0, 1.0], 3, 1.0, 4),
        ([60.0] * 10, ATTEMPTS, 60.0, 4),
    ],
)
def test_a_view_that_took_long_to_open_is_opened_again(
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
    durations: list[float],
    opened: int,
    age_s: float,
    counted: int,
) -> None:
    views = Slow(installation, *durations)
    for module in (read_view, view_cache):
        monkeypatch.setattr(module, "monotonic", lambda: views.now)
    view = views.view(SHOP.id)
    assert (views.opened, view.counts().counted) == (opened, counted)
    assert view.age_s() == pytest.approx(age_s)
    views.now += 3
    assert view.age_s() == pytest.approx(age_s + 3)
