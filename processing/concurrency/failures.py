"""Records in the database which tasks of the workers fail and why, for status pages: workers are other processes."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db import DatabaseError
from django.db.models.functions import Now

from configuration.models import Property
from processing.concurrency.backoff import FORGET_S
from processing.models import TaskFailure

LONGEST_REASON: Final = 500
FORGOTTEN_AFTER: Final = timedelta(seconds=FORGET_S)  # a task that fails is recorded more often than that
MOST_SHOWN: Final = 100
OF_HITS: Final = "receiving range"  # errors of such tasks may repeat a hit's full address

logger = logging.getLogger(__name__)


class DatabaseRecord:
    """See `backoff.Record`. While the database fails, the output of the process alone tells what happens."""

    def failed(self, name: str, property: int | None, error: Exception, tries: int) -> None:
        with suppress(DatabaseError):
            values = {"property": property, "reason": reason_of(name, error), "tries": tries, "seen_at": Now()}
            TaskFailure.objects.update_or_create(task=name, defaults=values)

    def works_again(self, name: str) -> None:
        with suppress(DatabaseError):
            TaskFailure.objects.filter(task=name).delete()


class ShownFailure(NamedTuple):
    """A task that fails now, with the name of its property, or "" if it concerns all."""

    task: str
    property: int | None
    property_name: str
    reason: str
    tries: int
    since: Any


def reason_of(task: str, error: Exception) -> str:
    words = "" if task.startswith(OF_HITS) and not isinstance(error, OSError | DatabaseError) else f": {error}"
    return f"{type(error).__name__}{words}".replace("\0", "")[:LONGEST_REASON]


def forget_old_failures() -> int:
    """Deletes the records of tasks that nobody tries any more. Returns their number."""
    return TaskFailure.objects.filter(seen_at__lt=Now() - FORGOTTEN_AFTER).delete()[0]


def failures(property: int | None = None) -> list[ShownFailure]:
    """Returns what fails now, the oldest first: of one property and of all properties together; None: everything."""
    current = TaskFailure.objects.filter(seen_at__gte=Now() - FORGOTTEN_AFTER)
    if property is not None:
        current = current.filter(property=property) | current.filter(property=None)
    rows = list(current.order_by("since", "task")[:MOST_SHOWN])
    names = _names({row.property for row in rows if row.property is not None})
    return [
        ShownFailure(row.task, row.property, names.get(row.property, ""), row.reason, row.tries, row.since)
        for row in rows
    ]


def _names(properties: Iterable[int]) -> dict[int | None, str]:
    return dict(Property.with_deleted.filter(pk__in=properties).values_list("pk", "name"))
