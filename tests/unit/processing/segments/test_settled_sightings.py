"""First sightings of a view are those of its events, whatever was sealed, folded, erased, expired or rebuilt."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from collection.hit import RawHit
from configuration.models import Property
from configuration.ruleset.ruleset import plain_ruleset
from processing.maintenance.compaction import Retention
from processing.models import Erasure
from processing.privacy.erasure_requests import erase_visitors
from processing.segments import folding, settled_sightings
from processing.sessions.first_sightings import ORDER, SIGHTINGS, VISITORS, Sighting
from tests.support.erasing import EVER, finish, key_of
from tests.support.installation import NOON, SHOP, Installation, ga4
from tests.support.rebuilding import rebuild

pytestmark = pytest.mark.django_db

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
CLIENTS: Final = [f"{number}.1" for number in range(3)]
SOURCES: Final = ("", "letter", "news")


def random_hits(rnd: random.Random, size: int) -> list[RawHit]:
    """In the order of receipt; some came to pass up to three days earlier."""
    hits = []
    for number, at in enumerate(sorted(rnd.randrange(NOON, NOON + 5 * DAY) for _ in range(size))):
        named: dict[str, Any] = {"client": rnd.choice(CLIENTS), "session": rnd.choice(["1", "2"])}
        named["event"] = rnd.choice(["page_view", "page_view", "purchase"])
        named["cs"] = rnd.choice(SOURCES)
        if named["event"] == "purchase":
            named["ep.transaction_id"] = f"T{rnd.randrange(10)}"
        created = at - rnd.choice([0, HOUR, 20 * HOUR, 50 * HOUR, 71 * HOUR])
        hits.append(ga4(number, at=at, created=created, hit=f"x{rnd.randrange(size)}", **named))
    return hits


def slowly(events: list[dict[str, Any]], kind: Sighting) -> dict[int, dict[str, Any]]:
    first: dict[int, dict[str, Any]] = {}
    for event in sorted(events, key=lambda event: tuple(event[name] for name in ORDER)):
        if event[kind.key] is not None and (kind is VISITORS or event["event"] == "purchase"):
            first.setdefault(event[kind.key], {name: event[name] for name in kind.columns})
    return first


def check(here: Installation) -> None:
    view = here.view()
    for kind in SIGHTINGS:
        names = list(dict.fromkeys([*kind.source_columns, "event"]))
        events = view.events(*EVER, names).with_columns(pl.col(pl.Categorical).cast(pl.String)).to_dicts()
        expected = slowly(events, kind)
        keys = pl.Series(sorted({0, 2**64 - 1, *expected}), dtype=pl.UInt64)
        rows = view.first_sightings(kind).of(keys).with_columns(pl.col(pl.Categorical).cast(pl.String)).to_dicts()
        assert {key: row for key, row in zip(keys, rows, strict=True) if row["visitor"] is not None} == expected


def test_it_works(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1, at=NOON, created=NOON, hit="a", client="1.1", cs="news"))
    here.receive()
    here.worker.seal(everything=True)
    here.send(ga4(2, at=NOON + HOUR, created=NOON - 30 * HOUR, hit="b", client="1.1", cs="letter"))
    here.receive()
    row = here.view().first_sightings(VISITORS).of(pl.Series([key_of("1.1")], dtype=pl.UInt64))
    assert row.select("day", "session_source").rows() == [((NOON - 30 * HOUR) // DAY, "letter")]
    check(here)


@pytest.mark.parametrize("stored", [True, False], ids=["in segments", "computed"])
def test_rows_are_read_where_they_are(stored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of visitors are in the condensed rows."""
    monkeypatch.setattr(folding, "MIN_CONDENSED_EVENTS", 1 if stored else 1000)
    here = Installation(tmp_path)
    here.send(*random_hits(random.Random(1), 60))
    here.receive()
    here.worker.seal(everything=True)
    sections = {section for name in here.store.segments() for section in here.store.sections(name)}
    assert {kind.section for kind in SIGHTINGS if any(kind.section in name for name in sections)} == (
        {kind.section for kind in SIGHTINGS if not kind.is_condensed} if stored else set()
    )
    check(here)


def live_through(seed: int) -> None:
    """Checks after each step of a random story."""
    rnd = random.Random(seed)
    with TemporaryDirectory(prefix="hitstream-") as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(settled_sightings, "NEWEST", rnd.choice([0, 1, 4]))
        patch.setattr(settled_sightings, "MOST_MERGED", rnd.choice([0, 10, 100]))
        here, hits = Installation(Path(name)), random_hits(rnd, 100)
        late = rnd.sample(hits, 40)
        here.send(*(hit for hit in hits if hit not in late))
        here.receive()
        check(here)
        seal(here, rnd)
        for _ in range(8):
            here.send(*late[:5])
            late = late[5:]
            here.receive()
            check(here)  # the late hits on top of what is sealed
            with pytest.MonkeyPatch.context() as version:
                version.setattr(folding, "MIN_CONDENSED_EVENTS", rnd.choice([1, 15, 10_000]))
                rnd.choice(STEPS)(here, rnd)
            check(here)
        finish(here)
        check(here)
        Erasure.objects.all().delete()


def seal(here: Installation, _: random.Random) -> None:
    here.worker.seal(everything=True)


def fold(here: Installation, rnd: random.Random) -> None:
    here.now += 100.0
    here.worker.run_maintenance(NOON + rnd.choice([2, 6, 80]) * DAY)


def expire(here: Installation, rnd: random.Random) -> None:
    here.retention = {SHOP.id: Retention(report_days=30)}
    here.now += 100.0
    here.worker.run_maintenance(NOON + (28 + rnd.randrange(5)) * DAY)
    here.retention = {}


def erase(here: Installation, rnd: random.Random) -> None:
    """Hides somebody at once, up to an instant; the rows go when maintenance is next."""
    shop, _ = Property.objects.get_or_create(id=SHOP.id, name="Shop", measurement_id=SHOP.measurement_id)
    here.wall_clock = lambda: datetime.fromtimestamp((NOON + rnd.randrange(7) * DAY) / 1000, tz=UTC)
    seal(here, rnd)
    erase_visitors(here.store, shop, [key_of(rnd.choice(CLIENTS))], "ada", here.wall_clock())


def remove(here: Installation, _: random.Random) -> None:
    finish(here)


def apply_rules(here: Installation, rnd: random.Random) -> None:
    seal(here, rnd)
    rules = msgspec.structs.replace(plain_ruleset(SHOP), number=rnd.randrange(1, 10**6))
    longer = msgspec.structs.replace(rules.settings, session_timeout_s=rnd.choice([600, 1800, 7200]))
    rebuild(here, msgspec.structs.replace(rules, settings=longer))


STEPS: Final[tuple[Callable[[Installation, random.Random], None], ...]] = (
    seal,
    seal,
    fold,
    fold,
    expire,
    erase,
    remove,
    apply_rules,
)


@settings(deadline=None, max_examples=2, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_they_are_those_of_the_events(seed: int) -> None:
    live_through(seed)


@pytest.mark.slow
@settings(deadline=None, max_examples=60, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_they_are_those_of_the_events_in_many_stories(seed: int) -> None:
    live_through(seed)
