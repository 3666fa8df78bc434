"""Reads and writes the ledger: records the next range, finds unfinished ones, marks one done, merges old ones."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Now

from processing.models import CleanedHits, LogSource, Range
from processing.positions import MAX_LOGS

MAX_RANGE_HITS: Final = 4096
MERGED_ROWS: Final = 10_000  # at once


class LogWentBack(RuntimeError):
    """The log ends before what was already received of it: it was replaced or restored.

    Receiving stops, because new hits would get the positions of old ones.
    """


def next_range(log: str, partition: int, start: int, end: int, context_id: str) -> Range | None:
    """Records the next range of at most MAX_RANGE_HITS entries, under a context. None if there is nothing new.

    `start` is the first offset that the log still holds, `end` the next to be written. Entries that were trimmed
    unread become a lost range, without a context. Any number of processes may call this at once: the constraint on
    `first` decides which one gets a range, and the others get the ranges after it. Raises LogWentBack.
    """
    while True:
        first = received_up_to(log, partition)
        if end < first:
            raise LogWentBack(went_back(log, partition, end, first))
        if start <= first == end:
            return None
        try:
            with transaction.atomic():
                if start > first:
                    return _record_lost(log, partition, first, start - 1)
                last = min(end, first + MAX_RANGE_HITS) - 1
                return Range.objects.create(log=log, partition=partition, first=first, last=last, context=context_id)
        except IntegrityError:
            if received_up_to(log, partition) == first:  # no other process has recorded it
                raise


def went_back(log: str, partition: int, end: int, received: int) -> str:
    """Returns the message of LogWentBack for a log that ends before the offset up to which it was received."""
    return f"log {log}, partition {partition} ends at {end}, but was received up to {received}"


def unfinished(log: str) -> list[Range]:
    return list(Range.objects.filter(log=log, done_at=None).order_by("partition", "first"))


def start_attempt(item: Range) -> None:
    """Notes that a process is about to receive the range: if that ends the process, the note stays."""
    item.attempts += 1
    Range.objects.filter(pk=item.pk).update(attempts=F("attempts") + 1, begun=True)


def withdraw_attempt(item: Range) -> None:
    """Takes the note back, because the attempt ended with an error and not with its process."""
    Range.objects.filter(pk=item.pk, attempts__gt=0).update(attempts=F("attempts") - 1)


def finish(item: Range, cleaned: Mapping[int, int] = MappingProxyType({})) -> bool:
    """Marks the range done, and counts the hits of each property that personal data was removed from.

    Returns False if another attempt was quicker: its numbers stay.
    """
    with transaction.atomic():
        is_first = Range.objects.filter(pk=item.pk, done_at=None).update(done_at=Now(), lost=item.lost) == 1
        for property, hits in sorted(cleaned.items()) if is_first else ():
            count, _ = CleanedHits.objects.get_or_create(property=property)
            CleanedHits.objects.filter(pk=count.pk).update(hits=F("hits") + hits)
    return is_first


def count_cleaned(property: int | None = None) -> int:
    """Returns from how many hits of a property, or of all, personal data was removed."""
    counts = CleanedHits.objects.all() if property is None else CleanedHits.objects.filter(property=property)
    return counts.aggregate(hits=Sum("hits"))["hits"] or 0


def unfinished_or_done_within(log: str, time: timedelta) -> list[Range]:
    """Returns the ranges that are unfinished now, or were at any time within `time`, by the database's clock."""
    return list(Range.objects.filter(Q(done_at=None) | Q(done_at__gte=Now() - time), log=log))


def merge_old_ranges(before: datetime) -> int:
    """Merges neighbours that were done before that time, so that the ledger does not grow for ever.

    The newest range of each partition and ranges that lost hits stay as they are. Returns how many rows were deleted.
    """
    old = Range.objects.filter(done_at__lt=before, lost=0)
    partitions = old.values("log", "partition").annotate(rows=Count("pk")).filter(rows__gt=1).order_by()
    return sum(_merge(old.filter(log=item["log"], partition=item["partition"])) for item in partitions)


def received_up_to(log: str, partition: int) -> int:
    """Returns the first offset that no range holds yet."""
    newest = Range.objects.filter(log=log, partition=partition).order_by("-first").first()
    return newest.last + 1 if newest else 0


def count_lost(log: str | None = None) -> int:
    """Returns how many entries were lost before they were received."""
    return sum(losses(log))


def losses(log: str | None = None) -> "QuerySet[Range, int]":
    """Returns how many entries each range lost, for those that lost any. Pages show it, so an index holds them."""
    ranges = Range.objects.filter(lost__gt=0) if log is None else Range.objects.filter(log=log, lost__gt=0)
    return ranges.values_list("lost", flat=True)


def ordinal(log: str) -> int:
    """Returns the log's number in positions, and gives it one the first time.

    The database's own counter is not used, because it leaves gaps after a crash. Raises OverflowError.
    """
    while True:
        known = LogSource.objects.filter(log=log).first()
        number = known.pk if known else 1 + (LogSource.objects.aggregate(Max("pk"))["pk__max"] or 0)
        if number > MAX_LOGS:
            raise OverflowError(f"more than {MAX_LOGS} logs have been used")
        if known:
            return int(number)
        with suppress(IntegrityError), transaction.atomic():  # another process may be quicker: look again
            LogSource.objects.create(pk=number, log=log)


def _record_lost(log: str, partition: int, first: int, last: int) -> Range:
    lost = last - first + 1
    return Range.objects.create(
        log=log, partition=partition, first=first, last=last, context="", lost=lost, done_at=Now()
    )


def _merge(old: QuerySet[Range]) -> int:
    """Merges the neighbours of one partition, but for the newest range. Returns how many rows were deleted."""
    deleted = 0
    with transaction.atomic():
        for run in _runs(list(old.order_by("first")[:MERGED_ROWS])[:-1]):
            Range.objects.filter(pk__in=[item.pk for item in run[1:]]).delete()
            Range.objects.filter(pk=run[0].pk).update(last=run[-1].last)
            deleted += len(run) - 1
    return deleted


def _runs(ranges: Iterable[Range]) -> list[list[Range]]:
    """Groups neighbours, in order of offsets: 0-9, 10-19, 30-39 are [0-9, 10-19] and [30-39]."""
    runs: list[list[Range]] = []
    for item in ranges:
        if runs and runs[-1][-1].last + 1 == item.first:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
