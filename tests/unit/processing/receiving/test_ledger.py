"""Merging drops where old ranges began, and nothing else."""

from datetime import timedelta

import pytest
from django.db import connection

from processing.models import Range
from processing.receiving import ledger
from tests.support.clock import now

pytestmark = pytest.mark.django_db

OLD = timedelta(days=9)


def ranges(log: str = "a", partition: int = 0) -> list[tuple[int, int]]:
    rows = Range.objects.filter(log=log, partition=partition).order_by("first")
    return list(rows.values_list("first", "last"))


def add(first: int, last: int, *, days: int = 9, lost: int = 0, done: bool = True, log: str = "a") -> None:
    at = now() - timedelta(days=days) if done else None
    Range.objects.create(log=log, partition=0, first=first, last=last, context="c", lost=lost, done_at=at)


def merge() -> int:
    return ledger.merge_old_ranges(now() - timedelta(days=8))


def test_it_works() -> None:
    for first in range(0, 50, 10):
        add(first, first + 9)
    add(50, 59, days=1)
    add(0, 9, log="b")
    assert merge() == 3
    assert ranges() == [(0, 39), (40, 49), (50, 59)]
    assert (ranges("b"), ledger.received_up_to("a", 0)) == ([(0, 9)], 60)
    add(60, 69)
    assert merge() == 1  # it goes on where it ended; what is younger lies between
    assert ranges() == [(0, 49), (50, 59), (60, 69)]


def test_what_was_lost_stays_by_itself() -> None:
    for first in range(0, 60, 10):
        add(first, first + 9, lost=3 if first == 20 else 0)
    assert merge() == 2
    assert ranges() == [(0, 19), (20, 29), (30, 49), (50, 59)]
    assert ledger.count_lost("a") == 3


def test_unfinished_ones_stay() -> None:
    for first in range(0, 60, 10):
        add(first, first + 9, done=first != 20)
    assert merge() == 2
    assert [item.first for item in ledger.unfinished("a")] == [20]
    assert ranges() == [(0, 19), (20, 29), (30, 49), (50, 59)]


@pytest.mark.parametrize("log", [None, "a"])
def test_losses_are_found_without_reading_the_ledger(log: str | None) -> None:
    for first in range(0, 2000, 10):
        add(first, first + 9, lost=first == 100)
    if connection.vendor == "postgresql":  # it reads small tables whole
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert ledger.count_lost(log) == 1
    assert "range_lost" in ledger.losses(log).explain()


def test_cleaned_hits_are_counted_by_the_first_attempt_only() -> None:
    add(0, 9, done=False)
    add(10, 19, done=False)
    first, second = ledger.unfinished("a")
    assert ledger.finish(first, {7: 2, 8: 1})
    assert not ledger.finish(first, {7: 2, 8: 1})
    assert ledger.finish(second, {7: 3})
    assert [ledger.count_cleaned(property) for property in (7, 8, 9, None)] == [5, 1, 0, 6]
