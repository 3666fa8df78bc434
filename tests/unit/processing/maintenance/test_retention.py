"""Retention: raw hits go by receipt, reports by event time; what remains is as it was, and the sums still hold."""

import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from processing.maintenance.compaction import Retention
from processing.maintenance.fsck import FsckRun
from processing.segments.manifest import Manifest, decode_manifest
from processing.sessions.local_periods import day_number, day_start, period
from processing.store.port import Missing
from tests.support.installation import SHOP, Installation, access_log, ga4
from tests.unit.processing.maintenance.test_compaction import (
    BERLIN,
    BOT,
    COLUMNS,
    DAY,
    EVER,
    HOUR,
    SUMMER_ENDS,
    ZONES,
    random_hits,
)

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

LINE = '192.0.2.1 - - [20/Nov/2026:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0 Firefox/120.0"'


def installation(folder: Path, raw_days: int | None = None, report_days: int | None = None) -> Installation:
    here = Installation(folder, (SHOP, *ZONES))
    retention = Retention(raw_days, report_days)
    here.retention = {settings.id: retention for settings in here.context.properties}
    return here


def sealed(here: Installation, *hits: Any) -> Installation:
    here.send(*hits)
    here.receive()
    here.worker.seal(everything=True)
    return here


def book_of(here: Installation, property: int) -> Manifest:
    manifest = here.store.manifest(property)
    assert manifest
    return decode_manifest(manifest.data)


def events(here: Installation, property: int, first: date, last: date = EVER[1]) -> list[tuple[Any, ...]]:
    return sorted(here.view(property).events(first, last, COLUMNS).cast({"event": str}).rows())


def rejected(here: Installation, property: int, first: date = EVER[0]) -> list[tuple[Any, ...]]:
    return sorted(here.view(property).rejected(first, EVER[1]).select("position", "reason", "day").rows())


def test_it_works(tmp_path: Path) -> None:
    here = sealed(installation(tmp_path, report_days=30), *(ga4(n, at=SUMMER_ENDS + n * DAY) for n in range(3)))
    here.worker.run_maintenance(SUMMER_ENDS + 31 * DAY)
    counts = here.view().counts()
    assert (counts.accepted, counts.counted) == (3, 3)
    assert len(events(here, SHOP.id, EVER[0])) == 2
    assert list(FsckRun(here.log, here.store).problems()) == []


@pytest.mark.parametrize("zone", ZONES, ids=lambda settings: settings.zone)
@pytest.mark.parametrize("seed", range(2))
def test_what_remains_is_unchanged(seed: int, zone: Any, tmp_path: Path) -> None:
    here = sealed(installation(tmp_path, report_days=10), *random_hits(random.Random(seed), 150, zone))
    kept_from = date(2026, 10, 25)
    view = here.view(zone.id)
    before = (view.counts(), events(here, zone.id, kept_from), rejected(here, zone.id, kept_from))
    everything = Counter(reason for _, reason, _ in rejected(here, zone.id))
    here.worker.run_maintenance(day_start(kept_from, zone.zone) + 10 * DAY)
    assert (here.view(zone.id).counts(), events(here, zone.id, kept_from), rejected(here, zone.id, kept_from)) == before
    assert events(here, zone.id, EVER[0]) == before[1]
    assert rejected(here, zone.id) == before[2]
    book = book_of(here, zone.id)
    gone = everything - Counter(reason for _, reason, _ in before[2])
    assert book.expired_rejected == dict(gone)
    assert book.accepted == book.counted() + sum(book.rejected().values())
    assert list(FsckRun(here.log, here.store).problems()) == []


def test_a_day_goes_when_its_local_end_is_past_the_limit(tmp_path: Path) -> None:
    here = sealed(installation(tmp_path, report_days=30), ga4(1, at=SUMMER_ENDS, property=BERLIN))
    ends = period("2026-10-25", BERLIN.zone).end
    assert ends - period("2026-10-25", BERLIN.zone).start == 25 * HOUR
    here.worker.run_maintenance(ends + 30 * DAY - 1)
    assert len(events(here, BERLIN.id, EVER[0])) == 1
    here.worker.run_maintenance(ends + 30 * DAY)
    assert events(here, BERLIN.id, EVER[0]) == []


def test_days_are_not_folded_into_months_that_would_outlive_them(tmp_path: Path) -> None:
    hits = [ga4(n, at=SUMMER_ENDS - n * DAY, property=BERLIN) for n in range(20)]
    here = sealed(installation(tmp_path, report_days=60), *hits)
    here.worker.run_maintenance(SUMMER_ENDS + 50 * DAY)
    days = {row[5] for row in events(here, BERLIN.id, EVER[0])}
    assert min(days) == day_number(date(2026, 10, 15))


def session_over_midnight(n: int, midnight: int) -> list[Any]:
    before, after = midnight - 10 * 60_000, midnight + 10 * 60_000
    return [
        ga4(n, client="7.7", at=before, created=before, hit=f"a{n}", property=BERLIN, utm_source="x"),
        ga4(n + 1, client="7.7", at=after, created=after, hit=f"b{n}", property=BERLIN),
        ga4(n + 2, client="8.8", at=before, hit=f"c{n}", session=None, property=BERLIN),
        ga4(n + 3, client="8.8", at=after + 9 * HOUR, hit=f"c{n}", session=None, property=BERLIN),
    ]


@pytest.mark.parametrize("late_day", [-1, 0])
def test_late_hits_leave_sessions_and_duplicates_of_the_first_kept_day_alone(late_day: int, tmp_path: Path) -> None:
    """The day before is gone, yet a session that began in it and ids that were seen in it are still known."""
    midnight = day_start(date(2026, 10, 28), BERLIN.zone)
    here = sealed(installation(tmp_path, report_days=10), *session_over_midnight(0, midnight))
    before = events(here, BERLIN.id, date(2026, 10, 28)), rejected(here, BERLIN.id, date(2026, 10, 28))
    assert [row[1] for row in before[1]] == ["duplicate"]
    now = midnight + 10 * DAY
    here.worker.run_maintenance(now)
    late = midnight + late_day * DAY + 12 * HOUR
    here.send(ga4(50, client="9.9", at=now, created=late, hit="late", property=BERLIN))
    here.send(access_log(51, LINE, at=now, occurred=late, property=BERLIN))
    here.receive()
    for turn in range(3):
        assert {row for row in events(here, BERLIN.id, date(2026, 10, 28)) if row in before[0]} == set(before[0]), turn
        assert rejected(here, BERLIN.id, date(2026, 10, 28)) == before[1]
        here.worker.seal(everything=True)
        here.worker.run_maintenance(now)
    counts = here.view(BERLIN.id).counts()
    assert (counts.accepted, counts.counted, counts.rejected) == (6, 5, 1)
    assert list(FsckRun(here.log, here.store).problems()) == []


def test_a_new_day_between_the_limit_and_the_first_kept_day_hides_no_duplicate(tmp_path: Path) -> None:
    midnight = day_start(date(2026, 10, 28), BERLIN.zone)
    copies = [ga4(n, client="8.8", at=midnight + n * 30 * HOUR - HOUR, hit="c", property=BERLIN) for n in range(2)]
    here = sealed(installation(tmp_path, report_days=10), *copies)
    assert [row[1:] for row in rejected(here, BERLIN.id)] == [("duplicate", day_number(date(2026, 10, 29)))]
    now = midnight + 10 * DAY
    here.worker.run_maintenance(now)
    assert list(book_of(here, BERLIN.id).periods) == ["2026-10-29"]
    here.send(access_log(9, LINE, at=now, occurred=midnight + HOUR, property=BERLIN))
    here.receive()
    here.worker.seal(everything=True)
    assert [row[1:] for row in rejected(here, BERLIN.id)] == [("duplicate", day_number(date(2026, 10, 29)))]


def test_hits_that_come_for_days_that_are_gone_are_accounted_for_and_go(tmp_path: Path) -> None:
    here = sealed(installation(tmp_path, report_days=10), ga4(1, at=SUMMER_ENDS, property=BERLIN))
    for turn in range(3):
        here.worker.run_maintenance(SUMMER_ENDS + 12 * DAY)
        assert events(here, BERLIN.id, EVER[0]) == []
        assert here.view(BERLIN.id).counts().counted == 1 + turn
        late = access_log(5 + turn, LINE, at=SUMMER_ENDS + 12 * DAY, occurred=SUMMER_ENDS + turn, property=BERLIN)
        sealed(here, late)
    assert list(FsckRun(here.log, here.store).problems()) == []


def test_raw_hits_go_by_receipt_and_reports_stay(tmp_path: Path) -> None:
    here = installation(tmp_path, raw_days=30)
    sealed(here, access_log(1, LINE, at=SUMMER_ENDS, occurred=SUMMER_ENDS - 400 * DAY, property=BERLIN))
    sealed(here, ga4(2, at=SUMMER_ENDS + DAY, property=BERLIN))
    before = events(here, BERLIN.id, EVER[0])
    here.worker.run_maintenance(SUMMER_ENDS + 30 * DAY)
    assert len(book_of(here, BERLIN.id).raw) == 2
    here.worker.run_maintenance(SUMMER_ENDS + 30 * DAY + 1)
    assert [part.last_received_us for part in book_of(here, BERLIN.id).raw] == [(SUMMER_ENDS + DAY) * 1000]
    here.worker.run_maintenance(SUMMER_ENDS + 40 * DAY)
    assert book_of(here, BERLIN.id).raw == ()
    assert events(here, BERLIN.id, EVER[0]) == before
    assert list(FsckRun(here.log, here.store).problems()) == []


def test_files_go_after_the_grace_period_and_a_view_lives_so_long(tmp_path: Path) -> None:
    here = sealed(installation(tmp_path, raw_days=30, report_days=30), ga4(1, at=SUMMER_ENDS), ga4(2, agent=BOT))
    view, before = here.view(), events(here, SHOP.id, EVER[0])
    files = set(here.store.segments())
    now = SUMMER_ENDS + 90 * DAY
    here.worker.run_maintenance(now)
    here.now += 59
    here.worker.run_maintenance(now)
    view.sealed.columns = type(view.sealed.columns)(here.store)  # not from memory
    assert sorted(view.events(*EVER, COLUMNS).cast({"event": str}).rows()) == before
    assert view.rejected(*EVER).height == 1
    here.now += 1
    here.worker.run_maintenance(now)
    assert not files & set(here.store.segments())
    assert not list((tmp_path / "store/segments").iterdir())
    view.sealed.columns = type(view.sealed.columns)(here.store)
    with pytest.raises(Missing):
        view.events(*EVER, COLUMNS)
    assert here.view().counts() == view.counts()


def test_nothing_goes_without_retention(tmp_path: Path) -> None:
    here = sealed(installation(tmp_path), ga4(1, at=SUMMER_ENDS))
    here.worker.run_maintenance(SUMMER_ENDS + 4000 * DAY)
    book = book_of(here, SHOP.id)
    assert (len(book.raw), len(book.periods), book.kept_from) == (1, 1, 0)
