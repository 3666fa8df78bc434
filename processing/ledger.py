"""The ledger's three moves: give out the next range, say which are unfinished, call one done."""

from collections.abc import Callable
from typing import Final

from django.db import transaction
from django.utils import timezone

from processing.models import LogSource, Range

MOST_HITS: Final = 4096


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


def done(ranges: list[Range]) -> None:
    now = timezone.now()
    for item in ranges:
        item.done_at = now
    Range.objects.bulk_update(ranges, ["done_at", "lost"])


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
