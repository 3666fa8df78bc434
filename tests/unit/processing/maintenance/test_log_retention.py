"""Trimming: what is received and old leaves the log, and with it the full addresses; nothing else does."""

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from configuration.models import DaySalt, PropertySalt
from configuration.visitor_secrets import day_salts, property_salts
from processing.maintenance.compaction import Retention
from processing.maintenance.log_retention import HOLD, expire_received_salts, received_below, trim
from processing.models import Range, Subscription
from processing.receiving import ledger
from tests.support.installation import BLOG, NOON, SHOP, Installation, access_log, ga4

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

KEEP = timedelta(hours=72)
LINE = '192.0.2.1 - - [20/Nov/2026:10:05:03 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0 Firefox/120.0"'


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def later(**passed: float) -> datetime:
    """The log stamps what is appended with the real time."""
    return datetime.now(UTC) + timedelta(**passed)  # noqa: TID251


def held(here: Installation) -> int:
    return here.log.ends()[0] - here.log.starts()[0]


def subscribe(here: Installation, name: str, position: int, seen_at: datetime) -> None:
    Subscription.objects.create(log=here.log.id, name=name, seen_at=seen_at)
    here.log.commit(name, 0, position)


def test_it_works(here: Installation) -> None:
    here.send(ga4(1), ga4(2), ga4(3))
    here.receive()
    assert trim(here.log, later(hours=71), KEEP) == 0
    assert trim(here.log, later(hours=73), KEEP) == 3
    assert held(here) == 0
    assert here.view().counts().counted == 3


def test_files_with_full_addresses_are_gone(here: Installation) -> None:
    here.send(ga4(1))
    here.receive()
    trim(here.log, later(hours=73), KEEP)
    here.log.close()
    assert not [path for path in (here.folder / "log").iterdir() if b"192.0.2.7" in path.read_bytes()]


def test_what_is_not_received_stays(here: Installation) -> None:
    here.send(ga4(1), ga4(2))
    here.receive()
    here.send(ga4(3), ga4(4), ga4(5))
    assert trim(here.log, later(hours=73), KEEP) == 2
    assert here.receive() == 3
    assert (here.view().counts().accepted, ledger.count_lost()) == (5, 0)


def test_a_range_that_is_not_done_stays(here: Installation) -> None:
    here.send(ga4(1), ga4(2))
    here.receive()
    here.send(ga4(3))
    ledger.next_range(here.log.id, 0, 0, 3, "a context")
    assert trim(here.log, later(days=300), KEEP) == 2
    assert held(here) == 1


def test_a_subscription_holds_what_it_has_not_read(here: Installation) -> None:
    here.send(*(ga4(n) for n in range(5)))
    here.receive()
    subscribe(here, "slow", 2, later(hours=73))
    subscribe(here, "quick", 5, later(hours=73))
    assert trim(here.log, later(hours=73), KEEP) == 2
    here.log.commit("slow", 0, 5)
    assert trim(here.log, later(hours=73), KEEP) == 3


def test_an_unused_subscription_is_deleted_with_a_warning(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    here.send(*(ga4(n) for n in range(5)))
    here.receive()
    subscribe(here, "old", 2, later())
    assert trim(here.log, later() + HOLD - timedelta(minutes=1), KEEP) == 2
    with caplog.at_level(logging.WARNING, "processing.maintenance.log_retention"):
        assert trim(here.log, later() + HOLD + timedelta(minutes=1), KEEP) == 3
    assert [record.args for record in caplog.records] == [("old", "was not used for 7 days and is deleted", 3)]
    assert not Subscription.objects.exists()


def test_a_subscription_far_behind_holds_hits_for_so_long_only(
    here: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    here.send(*(ga4(n) for n in range(5)))
    here.receive()
    subscribe(here, "stuck", 2, later(days=100))
    assert trim(here.log, later() + KEEP + HOLD - timedelta(minutes=1), KEEP) == 2
    with caplog.at_level(logging.WARNING, "processing.maintenance.log_retention"):
        assert trim(here.log, later() + KEEP + HOLD + timedelta(minutes=1), KEEP) == 3
    assert [record.args for record in caplog.records] == [("stuck", "is too far behind", 3)]
    assert Subscription.objects.exists()


def test_subscriptions_of_another_log_hold_nothing(here: Installation) -> None:
    here.send(ga4(1))
    here.receive()
    Subscription.objects.create(log="0" * 32, name="elsewhere", seen_at=later(hours=73))
    assert trim(here.log, later(hours=73), KEEP) == 1


def test_the_worker_trims_and_forgets_when_it_tidies(here: Installation) -> None:
    here.send(ga4(1))
    here.receive()
    day_salts([date(2026, 1, 1)])
    here.log_hours = 72
    here.restart()
    here.worker.run_maintenance(int(later(hours=73).timestamp() * 1000))
    assert held(here) == 0
    assert not DaySalt.objects.exists()


def test_hits_trimmed_unread_are_lost_in_sight(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    here.send(ga4(1), ga4(2))
    here.receive()
    here.send(ga4(3), ga4(4), ga4(5))
    here.log.trim(0, 4)
    here.receive()
    assert ledger.count_lost() == 2
    assert here.view().counts().accepted == 3
    assert "2 hits of log" in caplog.text


def test_a_day_salt_lives_48_hours(here: Installation) -> None:
    days = [date(2026, 11, day) for day in range(17, 22)]
    day_salts(days)
    expire_received_salts(here.log, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert list(DaySalt.objects.values_list("day", flat=True)) == days[2:]


def test_a_day_salt_waits_for_the_days_hits_but_not_for_ever(here: Installation) -> None:
    days = [date(2026, 11, day) for day in range(17, 22)]
    day_salts(days)
    here.send(ga4(1, at=NOON - 2 * 86_400_000))  # of the 18th
    expire_received_salts(here.log, datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert list(DaySalt.objects.values_list("day", flat=True)) == days[1:]
    expire_received_salts(here.log, datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert list(DaySalt.objects.values_list("day", flat=True)) == days[2:]
    here.receive()
    expire_received_salts(here.log, datetime(2026, 11, 26, 12, tzinfo=UTC))
    assert not DaySalt.objects.exists()


def test_a_property_salt_goes_with_the_last_raw_hit(here: Installation) -> None:
    property_salts([SHOP.id, BLOG.id])
    here.retention = {SHOP.id: Retention(raw_days=30)}
    here.send(access_log(1, LINE))
    here.receive()
    here.worker.run_maintenance(NOON + 31 * 86_400_000)
    assert PropertySalt.objects.count() == 2  # the hit is in the tail
    here.worker.seal(everything=True)
    here.worker.run_maintenance(NOON + 29 * 86_400_000)
    assert PropertySalt.objects.count() == 2
    here.worker.run_maintenance(NOON + 31 * 86_400_000)
    assert list(PropertySalt.objects.values_list("property_number", flat=True)) == [BLOG.id]


def test_a_range_that_is_given_out_meanwhile_is_not_received(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for unfinished ranges and asking where the ledger ends."""
    here.send(*(ga4(number) for number in range(10)))
    here.receive()
    look = ledger.unfinished

    def cut_then(log: str) -> list[Range]:
        found = look(log)
        Range.objects.create(log=log, partition=0, first=10, last=19, context="c")
        return found

    monkeypatch.setattr(ledger, "unfinished", cut_then)
    assert received_below(here.log.id, 0) == 10
