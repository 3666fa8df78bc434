"""The ledger's moves: give out the next range, say which are unfinished, call one done, forget where old ones began."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from processing.models import LogSource, Range

MOST_HITS: Final = 4096
MOST_FOLDED: Final = 10_000  # rows at once


class LogWentBack(RuntimeError):
    """The log ends before what was already received of it: it was replaced or restored.

    Receiving stops, since new hits would take the places of old ones.
    """


def next_range(log: str, partition: int, start: int, end: int, context_id: Callable[[], str]) -> Range | None:
    """Records the next range of at most MOST_HITS entries, under the context of this moment. None where there is
    nothing new.

    `start` is the first offset that the log still holds, `end` the next to be written. What was trimmed unread
    becomes a lost range. Raises LogWentBack.
    """
    with transaction.atomic():
        newest = Range.objects.select_for_update().filter(log=log, partition=partition).order_by("-first").first()
        first = newest.last + 1 if newest else 0
        if end < first:
            raise LogWentBack(f"log {log}, partition {partition} ends at {end}, but was received up to {first}")
        if start > first:
            return _lost(log, partition, first, start - 1)
        if end == first:
            return None
        last = min(end, first + MOST_HITS) - 1
        return Range.objects.create(log=log, partition=partition, first=first, last=last, context=context_id())


def unfinished(log: str) -> list[Range]:
    return list(Range.objects.filter(log=log, done_at=None).order_by("partition", "first"))


def again(item: Range) -> None:
    """Notes that it is begun once more."""
    item.attempts += 1
    Range.objects.filter(pk=item.pk).update(attempts=F("attempts") + 1)


def done(ranges: list[Range]) -> None:
    now = timezone.now()
    for item in ranges:
        item.done_at = now
    Range.objects.bulk_update(ranges, ["done_at", "lost"])


def done_since(log: str, moment: datetime) -> list[Range]:
    """Those that are unfinished, or were at that time."""
    return list(Range.objects.filter(Q(done_at=None) | Q(done_at__gte=moment), log=log))


def fold(before: datetime) -> int:
    """Joins neighbours that were done before that time, so that the ledger does not grow for ever. The newest of each
    partition and ranges that lost hits stay by themselves. Returns how many rows went.
    """
    old = Range.objects.filter(done_at__lt=before, lost=0)
    places = old.values("log", "partition").annotate(rows=Count("pk")).filter(rows__gt=1).order_by()
    return sum(_fold(old.filter(log=place["log"], partition=place["partition"])) for place in places)


def received_up_to(log: str, partition: int) -> int:
    """The first offset that no range holds yet."""
    newest = Range.objects.filter(log=log, partition=partition).order_by("-first").first()
    return newest.last + 1 if newest else 0


def lost(log: str | None = None) -> int:
    """How many entries were gone before they were received."""
    ranges = Range.objects.filter(lost__gt=0) if log is None else Range.objects.filter(log=log, lost__gt=0)
    return sum(ranges.values_list("lost", flat=True))


def ordinal(log: str) -> int:
    """The log's number in positions, given once."""
    source, _ = LogSource.objects.get_or_create(log=log)
    if source.pk > MOST_LOGS:
        raise OverflowError(f"more than {MOST_LOGS} logs have been used")
    return int(source.pk)


MOST_LOGS: Final = 255


def _lost(log: str, partition: int, first: int, last: int) -> Range:
    lost = last - first + 1
    return Range.objects.create(
        log=log, partition=partition, first=first, last=last, context="", lost=lost, done_at=timezone.now()
    )


def _fold(old: QuerySet[Range]) -> int:
    gone = 0
    with transaction.atomic():
        for run in _neighbours(list(old.order_by("first")[:MOST_FOLDED])[:-1]):
            Range.objects.filter(pk__in=[item.pk for item in run[1:]]).delete()
            Range.objects.filter(pk=run[0].pk).update(last=run[-1].last)
            gone += len(run) - 1
    return gone


def _neighbours(ranges: Iterable[Range]) -> list[list[Range]]:
    runs: list[list[Range]] = []
    for item in ranges:
        if runs and runs[-1][-1].last + 1 == item.first:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
