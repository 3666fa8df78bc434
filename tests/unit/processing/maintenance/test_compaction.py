"""Upkeep changes no number: folding, merging, deleting and sweeping leave every report as it was, at any moment."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from collection.hit import RawHit
from configuration.ruleset.context import ReceiveSettings
from processing.maintenance.compaction import MERGE_BLOCKS, merge_blocks, orphans
from processing.maintenance.fsck import FsckRun
from processing.models import Range
from processing.schema import RAW
from processing.segments.manifest import Manifest, decode_manifest
from processing.sessions.local_periods import day_number, day_start, local_days
from processing.store.port import SegmentInfo
from tests.support.installation import AGENT, SHOP, Installation, access_log, ga4

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2028, 1, 1))
HOUR = 3_600_000
DAY = 24 * HOUR
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
SUMMER_ENDS = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp() * 1000)
BERLIN = ReceiveSettings(id=201, measurement_id="G-BERLIN0001", zone="Europe/Berlin")
# Half an hour of summer time; its days begin at another minute than any UTC hour.
ISLAND = ReceiveSettings(id=202, measurement_id="G-ISLAND0001", zone="Australia/Lord_Howe")
# Summer time begins at midnight: a day without its first hour.
AFRICA = ReceiveSettings(id=203, measurement_id="G-AFRICA0001", zone="Africa/Cairo")
ZONES = (BERLIN, ISLAND, AFRICA)
COLUMNS = ["visitor", "hit", "index", "time", "session", "day", "engaged", "active", "duration_ms", "event"]


def installation(folder: Path) -> Installation:
    return Installation(folder, (SHOP, *ZONES))


def book_of(here: Installation, property: int) -> Manifest:
    manifest = here.store.manifest(property)
    assert manifest
    return decode_manifest(manifest.data)


def numbers(here: Installation, property: int) -> tuple[Any, ...]:
    view = here.view(property)
    events = view.events(*EVER, COLUMNS).cast({"event": str})
    rejected = view.with_content(view.rejected(*EVER)).select("visitor", "hit", "time", "reason", "content", "day")
    return view.counts(), sorted(events.rows()), sorted(rejected.rows())


def random_hits(rnd: random.Random, size: int, property: ReceiveSettings, days: int = 5) -> list[RawHit]:
    """Around the end of summer time and of the month, with sessions over midnight, re-sends and bots."""
    hits: list[RawHit] = []
    for number in range(size):
        at = SUMMER_ENDS + rnd.randrange(-days * DAY, days * DAY, 7 * 60_000)
        shape: dict[str, Any] = {"property": property, "at": at, "client": f"{rnd.randrange(6)}.1"}
        shape["session"] = rnd.choice([None, "1", "2"])
        kind = rnd.random()
        if kind < 0.4:
            hits.append(ga4(number, created=at - rnd.randrange(30 * HOUR), hit=f"id{number}", **shape))
        elif kind < 0.8:
            hits.append(ga4(number, hit=f"id{number}", _et=str(rnd.randrange(20_000)), **shape))
        else:
            hits.append(ga4(number, hit=f"id{number}", agent=BOT, **shape))
    hits += [_again(hit, rnd.choice([0, 1, 20, 40])) for hit in rnd.sample(hits, size // 3)]
    rnd.shuffle(hits)
    return hits


def _again(hit: RawHit, hours: int) -> RawHit:
    """Less than 72 hours after it was created: what comes later is no re-send."""
    return msgspec.structs.replace(hit, received=hit.received + hours * HOUR * 1000)


def test_it_works(tmp_path: Path) -> None:
    here = installation(tmp_path)
    for number in range(3):
        here.send(ga4(number, at=SUMMER_ENDS, property=BERLIN))
        here.receive()
        here.worker.seal(everything=True)
    before = numbers(here, BERLIN.id)
    here.worker.run_maintenance(SUMMER_ENDS + 40 * DAY)
    assert list(book_of(here, BERLIN.id).periods) == ["2026-10"]
    assert len(book_of(here, BERLIN.id).raw) == 1
    assert numbers(here, BERLIN.id) == before


@pytest.mark.parametrize("zone", ZONES, ids=lambda settings: settings.zone)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_numbers_are_the_same_with_and_without(seed: int, zone: ReceiveSettings, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    hits = random_hits(rnd, 160, zone)
    plain, busy = installation(tmp_path / "plain"), installation(tmp_path / "busy")
    plain.send(*hits)
    plain.receive()
    now = SUMMER_ENDS - 5 * DAY
    for start in range(0, len(hits), 20):
        busy.send(*hits[start : start + 20])
        busy.receive()
        busy.now += 100
        if rnd.random() < 0.7:
            busy.worker.seal(everything=True)
        now += rnd.randrange(3 * DAY)
        busy.worker.run_maintenance(now)
        if rnd.random() < 0.2:
            busy.restart()
    busy.worker.seal(everything=True)
    for _ in range(3):
        busy.now += 100
        busy.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    assert numbers(busy, zone.id) == numbers(plain, zone.id)
    assert set(book_of(busy, zone.id).periods) == {"2026-10"}
    Range.objects.exclude(log=busy.log.id).delete()
    assert list(FsckRun(busy.log, busy.store).problems()) == []
    assert len(busy.store.blocks()) == 0
    assert orphans(busy.store) == set()


@pytest.mark.parametrize("zone", ZONES, ids=lambda settings: settings.zone)
def test_late_hits_enter_a_folded_month_as_they_would_have_entered_its_day(
    zone: ReceiveSettings, tmp_path: Path
) -> None:
    hits = random_hits(random.Random(7), 120, zone)
    plain, folded = installation(tmp_path / "plain"), installation(tmp_path / "folded")
    plain.send(*hits)
    plain.receive()
    folded.send(*hits[::2])
    folded.receive()
    folded.worker.seal(everything=True)
    folded.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    folded.send(*hits[1::2])
    folded.receive()
    assert [row[:4] for row in numbers(folded, zone.id)[1]] == [row[:4] for row in numbers(plain, zone.id)[1]]
    folded.worker.seal(everything=True)
    folded.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    assert numbers(folded, zone.id)[0] == numbers(plain, zone.id)[0]
    assert sorted(row[3:] for row in numbers(folded, zone.id)[1]) == sorted(
        row[3:] for row in numbers(plain, zone.id)[1]
    )


@pytest.mark.parametrize("midnight", [(2026, 10, 27), (2026, 11, 1)])
@pytest.mark.parametrize("folded_days", [2, 90])
def test_a_folded_period_still_knows_what_it_was_built_on(
    midnight: tuple[int, int, int], folded_days: int, tmp_path: Path
) -> None:
    """A session that began the day before goes on, though only the later day is built anew."""
    start = day_start(date(*midnight), BERLIN.zone)
    times = [start - 10 * 60_000, start + 10 * 60_000, start + 20 * 60_000]
    hits = [ga4(n, at=at, created=at, hit=f"{n}", property=BERLIN) for n, at in enumerate(times)]
    plain, folded = installation(tmp_path / "plain"), installation(tmp_path / "folded")
    plain.send(*hits)
    plain.receive()
    for hit in (hits[0], ga4(7, client="7.7", at=start + HOUR, property=BERLIN), hits[1]):
        folded.send(hit)
        folded.receive()
        folded.worker.seal(everything=True)
    folded.worker.run_maintenance(start + folded_days * DAY)
    assert all(len(shelf.layers) == 1 for shelf in book_of(folded, BERLIN.id).periods.values())
    folded.send(hits[2])
    folded.receive()
    mine = [row for row in numbers(folded, BERLIN.id)[1] if row[0] == numbers(plain, BERLIN.id)[1][0][0]]
    assert mine == numbers(plain, BERLIN.id)[1]
    assert len({row[4] for row in mine}) == 1


def test_a_day_is_folded_three_hours_after_its_local_end(tmp_path: Path) -> None:
    """25 October has 25 hours in Berlin: it ends at 23:00 UTC."""
    here = installation(tmp_path)
    for many in (9, 1):
        here.send(*(ga4(many + n, client=f"{many}.{n}", at=SUMMER_ENDS, property=BERLIN) for n in range(many)))
        here.receive()
        here.worker.seal(everything=True)

    def layers() -> int:
        return len(book_of(here, BERLIN.id).periods["2026-10-25"].layers)

    assert layers() == 2
    ends = int(datetime(2026, 10, 25, 23, tzinfo=UTC).timestamp() * 1000)
    here.worker.run_maintenance(ends + 3 * HOUR)
    assert layers() == 2
    here.worker.run_maintenance(ends + 3 * HOUR + 1)
    assert layers() == 1


def test_a_month_is_folded_when_no_resend_can_reach_it(tmp_path: Path) -> None:
    here = installation(tmp_path)
    here.send(*(ga4(n, at=SUMMER_ENDS - n * DAY, property=BERLIN) for n in range(3)))
    here.receive()
    here.worker.seal(everything=True)
    ends = int(datetime(2026, 10, 31, 23, tzinfo=UTC).timestamp() * 1000)
    here.worker.run_maintenance(ends + 73 * HOUR)
    assert len(book_of(here, BERLIN.id).periods) == 3
    here.worker.run_maintenance(ends + 73 * HOUR + 1)
    assert list(book_of(here, BERLIN.id).periods) == ["2026-10"]


def test_the_days_of_a_folded_month_are_the_propertys_own(tmp_path: Path) -> None:
    here = installation(tmp_path)
    here.send(*random_hits(random.Random(3), 150, ISLAND))
    here.receive()
    here.worker.seal(everything=True)
    here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    events = here.view(ISLAND.id).events(*EVER, ["time", "day"])
    assert events["day"].equals(local_days(events["time"], ISLAND.zone))
    one = here.view(ISLAND.id).events(date(2026, 10, 24), date(2026, 10, 24), ["day"])
    assert one.height == events.filter(day=day_number(date(2026, 10, 24))).height > 0


@pytest.mark.slow
def test_raw_rows_are_merged_whole(tmp_path: Path) -> None:
    here = installation(tmp_path)
    hits = random_hits(random.Random(1), 200, BERLIN)
    rows = []
    for start in range(0, len(hits), 10):
        here.send(*hits[start : start + 10])
        here.receive()
        rows.append(here.store.rows([here.store.blocks()[-1].key], BERLIN.id))
        here.worker.seal(everything=True)
    here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    parts = book_of(here, BERLIN.id).raw
    kept = [here.store.read(part.ref.segment, f"{part.ref.prefix}rows").select(*RAW) for part in parts]
    assert len({(part.received_month, part.day) for part in parts}) == len(parts) < len(rows)
    assert pl.concat(kept).sort("position", "index").equals(pl.concat(rows).sort("position", "index"))
    for part, frame in zip(parts, kept, strict=True):
        assert (part.ref.rows, part.last_received_us) == (frame.height, frame["received_us"].max())
        assert set(frame["time"] // DAY) == {part.day}


@pytest.mark.slow
def test_a_large_history_is_folded_in_several_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing.maintenance.compaction.PASS_ROWS", 10)
    here = installation(tmp_path)
    hits = random_hits(random.Random(4), 200, BERLIN)
    for start in range(0, len(hits), 10):
        here.send(*hits[start : start + 10])
        here.receive()
        here.worker.seal(everything=True)
    before = numbers(here, BERLIN.id)
    for _ in range(6):
        here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
        assert numbers(here, BERLIN.id) == before
    assert list(book_of(here, BERLIN.id).periods) == ["2026-10"]
    assert len(book_of(here, BERLIN.id).raw) == len({(p.received_month, p.day) for p in book_of(here, BERLIN.id).raw})


def test_nothing_is_written_that_is_too_large_to_be_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days and months stay in parts then, and show the same numbers."""
    plain, bounded = installation(tmp_path / "plain"), installation(tmp_path / "bounded")
    hits = random_hits(random.Random(6), 60, BERLIN, days=3)
    for here, most in ((plain, 10**6), (bounded, 15)):
        monkeypatch.setattr("processing.maintenance.compaction.MAX_LAYER_ROWS", most)
        monkeypatch.setattr("processing.segments.writer.MAX_LAYER_ROWS", most)
        for start in range(0, len(hits), 10):
            here.send(*hits[start : start + 10])
            here.receive()
            here.worker.seal(everything=True)
        here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    assert numbers(bounded, BERLIN.id) == numbers(plain, BERLIN.id)
    assert list(book_of(plain, BERLIN.id).periods) == ["2026-10"]
    book = book_of(bounded, BERLIN.id)
    assert len(book.periods) > 1
    layers = [place.rows for shelf in book.periods.values() for place in shelf.layers]
    parts = [part.ref.rows for part in book.raw]
    assert 5 < max(layers) <= 15
    assert 5 < max(parts) <= 15
    assert len(parts) < len(hits) / 4


# Raw blocks


def fill(here: Installation, first: int, last: int, agent: str = AGENT) -> None:
    """A block for each hit."""
    for n in range(first, last):
        here.send(ga4(n, client=f"{n}.1", hit=f"x{n}", at=SUMMER_ENDS, agent=agent))
        here.receive()


def test_small_blocks_become_one(tmp_path: Path) -> None:
    here = installation(tmp_path)
    fill(here, 0, MERGE_BLOCKS + 3)
    before, keys = numbers(here, SHOP.id), [block.key for block in here.store.blocks()]
    assert merge_blocks(here.store) == MERGE_BLOCKS - 1
    assert len(here.store.blocks()) == 4
    assert here.store.rows(keys, SHOP.id).equals(here.store.rows([b.key for b in here.store.blocks()], SHOP.id))
    assert numbers(here, SHOP.id) == before
    here.restart()
    assert numbers(here, SHOP.id) == before


@pytest.mark.parametrize("sealed", [1, 30, MERGE_BLOCKS - 1])
def test_a_merged_block_that_was_sealed_in_part_is_not_counted_twice(sealed: int, tmp_path: Path) -> None:
    here = installation(tmp_path)
    fill(here, 0, sealed)
    here.worker.seal(everything=True)
    fill(here, sealed, sealed + 2, agent=BOT)
    fill(here, sealed + 2, 70)
    before = numbers(here, SHOP.id)
    assert before[0].accepted == 70
    here.worker.run_maintenance(SUMMER_ENDS)
    assert len(here.store.blocks()) < 10
    assert numbers(here, SHOP.id) == before
    for _ in range(3):
        here.now += 100
        here.worker.run_maintenance(SUMMER_ENDS)  # deletes what is covered whole
    assert numbers(here, SHOP.id) == before
    here.restart()
    assert numbers(here, SHOP.id) == before
    here.worker.seal(everything=True)
    assert numbers(here, SHOP.id) == before
    assert list(FsckRun(here.log, here.store).problems()) == []


def test_blocks_of_two_contexts_stay_apart(tmp_path: Path) -> None:
    here = installation(tmp_path)
    fill(here, 0, MERGE_BLOCKS // 2)
    here.context = type(here.context)(here.context.properties, lists="others")
    fill(here, MERGE_BLOCKS // 2, MERGE_BLOCKS)
    assert merge_blocks(here.store) == 0


def test_a_block_goes_when_every_property_has_it_and_a_grace_period_is_over(tmp_path: Path) -> None:
    here = installation(tmp_path)
    here.send(ga4(1, at=SUMMER_ENDS), ga4(2, at=SUMMER_ENDS, property=BERLIN))
    here.receive()
    here.worker.seal_property(SHOP.id)
    for _ in range(3):
        here.now += 100
        here.worker.run_maintenance(SUMMER_ENDS)
    assert len(here.store.blocks()) == 1  # Berlin's hit is in no segment yet
    here.worker.seal_property(BERLIN.id)
    here.worker.run_maintenance(SUMMER_ENDS)
    assert len(here.store.blocks()) == 1
    here.now += 59
    here.worker.run_maintenance(SUMMER_ENDS)
    assert len(here.store.blocks()) == 1
    here.now += 1
    here.worker.run_maintenance(SUMMER_ENDS)
    assert here.store.blocks() == []
    assert (here.view(SHOP.id).counts().counted, here.view(BERLIN.id).counts().counted) == (1, 1)


def test_orphans_are_swept_after_the_grace_period(tmp_path: Path) -> None:
    here = installation(tmp_path)
    fill(here, 0, 2)
    here.worker.seal(everything=True)
    here.store.put_segment("101-built-broken-off", {"rows": pl.DataFrame({"n": [1]})})
    used = book_of(here, SHOP.id).segment_names()
    here.worker.run_maintenance(SUMMER_ENDS)
    here.now += 59
    here.worker.run_maintenance(SUMMER_ENDS)
    assert "101-built-broken-off" in here.store.segments()
    here.now += 1
    here.worker.run_maintenance(SUMMER_ENDS)
    assert set(here.store.segments()) == used


def test_the_store_is_scrubbed_once_a_day(tmp_path: Path) -> None:
    """What was deleted is in the journal of the embedded store until then."""
    here, journal = Installation(tmp_path), tmp_path / "store" / "store.db-wal"

    def rest() -> int:
        here.send(ga4(int(here.now), at=SUMMER_ENDS))
        here.receive()
        here.worker.run_maintenance(SUMMER_ENDS)
        return journal.stat().st_size

    assert rest() == 0
    here.now += 86_399
    assert rest() > 0
    here.now += 1
    assert rest() == 0


def test_a_view_outlives_upkeep_for_the_grace_period(tmp_path: Path) -> None:
    here = installation(tmp_path)
    for start in range(0, 60, 10):
        fill(here, start, start + 10)
        here.worker.seal(everything=True)
    view, before = here.view(SHOP.id), numbers(here, SHOP.id)
    here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    here.now += 59
    here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    view.sealed.columns = type(view.sealed.columns)(here.store)
    assert sorted(view.events(*EVER, COLUMNS).cast({"event": str}).rows()) == before[1]


def test_a_seal_that_is_quicker_only_makes_upkeep_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = installation(tmp_path)
    fill(here, 0, 2)
    here.worker.seal(everything=True)
    here.send(ga4(7, client="0.1", at=SUMMER_ENDS))
    here.receive()
    put = here.store.put_segment

    def put_slowly(name: str, sections: Any) -> SegmentInfo:
        monkeypatch.undo()
        here.worker.seal(everything=True)
        return put(name, sections)

    monkeypatch.setattr(here.store, "put_segment", put_slowly)
    here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    assert here.view(SHOP.id).counts().accepted == 3
    assert list(book_of(here, SHOP.id).periods) == ["2026-10-25"]
    here.worker.run_maintenance(SUMMER_ENDS + 90 * DAY)
    assert list(book_of(here, SHOP.id).periods) == ["2026-10"]
    assert here.view(SHOP.id).counts().accepted == 3


def test_imported_lines_of_years_ago(tmp_path: Path) -> None:
    here = installation(tmp_path)
    line = '192.0.2.1 - - [20/Nov/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0 Firefox/120.0"'
    long_ago = SUMMER_ENDS - 11 * 365 * DAY
    here.send(*(access_log(n, line, occurred=long_ago + n * 9 * DAY, property=AFRICA) for n in range(30)))
    here.receive()
    before = numbers(here, AFRICA.id)
    here.worker.seal(everything=True)
    here.worker.run_maintenance(SUMMER_ENDS)
    assert numbers(here, AFRICA.id) == before
    months = {(date(1970, 1, 1) + timedelta(days=row[5])).isoformat()[:7] for row in before[1]}
    assert set(book_of(here, AFRICA.id).periods) == months
