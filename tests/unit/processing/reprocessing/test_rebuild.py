"""Rules applied to the past: whatever the history, the new generation is what a new installation would make of it."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from collection.hit import RawHit
from configuration.ruleset.ruleset import PropertySettings, Ruleset, plain_ruleset
from processing.reprocessing.generations import CannotRebuild, NothingToRebuild, swap
from processing.reprocessing.runs import ordinals
from processing.schema import BUILT
from processing.sessions.local_periods import day_number
from tests.support.installation import NOON, SHOP, Installation, ga4
from tests.support.rebuilding import keep, rebuild

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2027, 1, 1))
HOUR = 3_600_000
DAY = 24 * HOUR
MINUTE = 60_000


def rules(number: int = 1, **settings: Any) -> Ruleset:
    plain = plain_ruleset(SHOP)
    return Ruleset(
        SHOP.id,
        number,
        PropertySettings(**{"domains": plain.settings.domains, "zone": plain.settings.zone, **settings}),
    )


def figures(here: Installation, property: int = SHOP.id) -> tuple[Any, ...]:
    view = here.view(property)
    counts = view.counts()
    assert counts.accepted == counts.counted + counts.rejected
    columns = [name for name in BUILT if name != "session"]
    events = view.events(*EVER, ["session", *columns]).with_columns()
    rejected = view.with_content(view.rejected(*EVER))
    return counts, sorted(map(str, events.rows())), sorted(map(str, rejected.rows()))


def history(rnd: random.Random, size: int) -> list[RawHit]:
    """Sessions that cross midnights, re-sends, late hits, all sorts of visitors, over six days."""
    hits = []
    for number in range(size):
        at = NOON + rnd.randrange(6 * 24 * 12) * 5 * MINUTE
        client, late = f"{rnd.randrange(3)}.1", rnd.choice([0, 0, 0, 2 * HOUR, 50 * HOUR])
        page = f"https://shop.example/{rnd.choice('ab')}"
        source: dict[str, Any] = rnd.choice([{}, {"cs": "letter", "cm": "email"}])
        session = rnd.choice([None, "1", "2"])
        sent: dict[str, Any] = {"hit": f"id{number}", "created": at} if rnd.random() < 0.6 else {}
        hits.append(ga4(number, client=client, at=at + late, page=page, session=session, **sent, **source))
        if rnd.random() < 0.2:
            hits.append(rnd.choice(hits))
    return hits


def live_through(here: Installation, hits: list[RawHit], rnd: random.Random) -> None:
    while hits:
        size = rnd.randrange(1, 30)
        here.send(*hits[:size])
        del hits[:size]
        here.receive()
        here.now += 100.0
        if rnd.random() < 0.5:
            here.worker.seal(everything=True)
        if rnd.random() < 0.2:
            here.worker.run_maintenance(NOON + rnd.choice([1, 8, 90]) * DAY)


def test_it_works(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1), ga4(2, at=NOON + 20 * MINUTE))
    here.receive()
    here.worker.seal(everything=True)
    sessions = here.view().events(*EVER, ["session"])["session"]
    assert sessions.n_unique() == 1
    assert rebuild(here, rules(session_timeout_s=300, zone="Etc/UTC")) == 1
    assert here.store.live(SHOP.id) == 2
    assert figures(here)[0].counted == 2


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_same_rules_give_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr("processing.reprocessing.rebuild.TASK_ROWS", random.Random(seed).choice([1, 10, 50]))
    monkeypatch.setattr("processing.reprocessing.rebuild.BUILT_ROWS", random.Random(seed).choice([3, 12, 100_000]))
    monkeypatch.setattr("processing.segments.raw_parts.BATCH_ROWS", random.Random(seed).choice([2, 5, 34_000]))
    rnd = random.Random(seed)
    here = Installation(tmp_path)
    hits = history(rnd, 60)
    late = [hits.pop(rnd.randrange(len(hits))) for _ in range(15)]
    live_through(here, hits, rnd)
    here.worker.seal(everything=True)
    rebuild(here, rules(), between=lambda: live_through(here, _some(late), rnd))
    live_through(here, late, rnd)
    everything = history(random.Random(seed), 60)
    whole = Installation(tmp_path / "whole")
    whole.send(*everything)
    whole.receive()
    assert _without_positions(figures(here)) == _without_positions(figures(whole))


def _some(hits: list[RawHit]) -> list[RawHit]:
    taken = hits[:3]
    del hits[:3]
    return taken


def _without_positions(found: tuple[Any, ...]) -> tuple[Any, ...]:
    """Only the sums of accounts: which of two equal re-sends counts is told by the position, which differs here."""
    counts, events, _ = found
    return counts, len(events)


@pytest.mark.parametrize("seed", [0, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_there_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """A rebuild under the rules that hold anyway changes nothing, to the last column, nor does going back."""
    rnd = random.Random(seed)
    monkeypatch.setattr("processing.reprocessing.rebuild.TASK_ROWS", rnd.choice([1, 10, 50]))
    monkeypatch.setattr("processing.reprocessing.rebuild.BUILT_ROWS", rnd.choice([3, 12, 100_000]))
    monkeypatch.setattr("processing.segments.raw_parts.BATCH_ROWS", rnd.choice([2, 5, 34_000]))
    here = Installation(tmp_path)
    live_through(here, history(rnd, 50), rnd)
    here.worker.seal(everything=True)
    before = figures(here)
    days = None if rnd.random() < 0.5 else _days(rnd)
    old = rebuild(here, rules(), days)
    assert figures(here) == before
    live_through(here, history(rnd, 20), rnd)
    after = figures(here)
    swap(here.store, SHOP.id, old, ordinals())
    assert figures(here) == after
    here.worker.seal(everything=True)
    live_through(here, history(rnd, 20), rnd)
    assert figures(here)[0].accepted > after[0].accepted


def _days(rnd: random.Random) -> tuple[int, int]:
    first = day_number(date(2026, 11, 19)) + rnd.randrange(3)
    return first, first + rnd.randrange(3)


def test_nothing_to_rebuild(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    with pytest.raises(NothingToRebuild):
        rebuild(here, rules())


def test_a_generation_that_is_live_already(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1))
    here.receive()
    here.worker.seal(everything=True)
    keep(here.store, rules())
    with pytest.raises(CannotRebuild):
        swap(here.store, SHOP.id, 1, ordinals())
