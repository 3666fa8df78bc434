"""Lists of rejected hits read the content of the few hits that they show, and no other."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from processing.schema import CONTENT, LONGEST_CONTENT
from processing.segments.raw_parts import read_hit
from processing.segments.read_view import ReadView
from processing.store.port import Store
from reporting.dashboard.rejected_panel import rejected_panel
from reporting.rejected_hits import rejected_by_reason
from tests.support.installation import NOON, Installation, ga4

DAY = date(2026, 11, 20)
HITS, SAMPLES = 30, 3
LONG = "x" * 5_000
pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Long hits without an event that can be read, a bot, a duplicate, and a hit that counts."""
    here = Installation(tmp_path)
    bad = [ga4(n, client=f"{n}.1", event=f"{n}{'e' * 60}", at=NOON + n, dt=LONG) for n in range(HITS)]
    bot = ga4(101, agent="Googlebot/2.1", at=NOON)
    here.send(*bad, bot, ga4(102, client="7.7", hit="same"), ga4(103, client="7.7", hit="same", at=NOON + 9))
    here.receive()
    return here


def test_it_works(installation: Installation) -> None:
    found = rejected_by_reason(installation.view(), DAY, DAY, SAMPLES)
    assert [(each.reason, each.hits, len(each.latest)) for each in found] == [
        ("malformed", HITS, SAMPLES),
        ("bot", 1, 1),
        ("duplicate", 1, 1),
    ]
    latest = found[0].latest
    assert latest["time"].to_list() == [NOON + n for n in (29, 28, 27)]
    assert [content.startswith(f"en={n}e") for n, content in zip((29, 28, 27), latest["content"], strict=True)] == [
        True
    ] * 3
    assert found[2].latest["content"].to_list() == ["en=page_view&dl=shop.example/"]


@pytest.mark.parametrize("sealed", [False, True])
def test_content_is_cut_and_its_length_is_told(installation: Installation, sealed: bool) -> None:
    if sealed:
        installation.worker.seal(everything=True)
    latest = rejected_by_reason(installation.view(), DAY, DAY, SAMPLES)[0].latest
    assert latest["content"].str.len_chars().to_list() == [LONGEST_CONTENT] * SAMPLES
    assert all(size - len(LONG) + LONGEST_CONTENT > LONGEST_CONTENT for size in latest["content_bytes"])
    shown = rejected_panel(installation.view(), DAY, DAY)
    assert "… (5,1" in shown[0]["samples"][0]["content"]
    assert "in all" not in shown[1]["samples"][0]["content"]


class Recording:
    """A store that remembers how many rows were read with what the hits held."""

    def __init__(self, store: Store) -> None:
        self._store, self.rows = store, 0

    def read(
        self, name: str, section: str, columns: Sequence[str] | None = None, rows: tuple[int, int] | None = None
    ) -> Any:
        found = self._store.read(name, section, columns, rows)
        if columns is None or {"content", "dt"} & {*columns}:
            self.rows += found.height
        return found


def test_content_is_read_of_the_samples_alone(installation: Installation) -> None:
    installation.worker.seal(everything=True)
    view: ReadView = installation.view()
    store: Any = Recording(view.sealed.columns.store)
    view.sealed.columns.store = store
    rows = view.rejected(DAY, DAY)
    assert rows.height == HITS + 2
    assert not {*CONTENT} & {*rows.columns}
    assert store.rows == 0
    rejected_by_reason(view, DAY, DAY, SAMPLES)
    assert store.rows == SAMPLES + 1  # and the bot; a duplicate has no content of its own


def test_a_hit_test_reads_that_hit_alone(installation: Installation) -> None:
    installation.worker.seal(everything=True)
    view = installation.view()
    (part,) = view.sealed.manifest.raw
    position = view.rejected(DAY, DAY).filter(reason="malformed")["position"].max()
    assert isinstance(position, int)
    store: Any = Recording(installation.store)
    hit = read_hit(store, part, position)
    assert (hit["position"].to_list(), hit["dt"].to_list()) == ([position], [LONG])
    assert store.rows == 1
    assert read_hit(store, part, position=1 << 60).is_empty()
