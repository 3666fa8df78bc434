"""Answers reports in another process, which opens the same view."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from configuration.exchange_rates import Rates
from configuration.ruleset.ruleset import decode_ruleset
from processing.segments.read_view import PinnedView
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from reporting.kinds import plan_many
from reporting.model.limits import Limits
from reporting.model.now import Now


class ReportTask(msgspec.Struct, frozen=True):
    """Reports of one pinned view, of the store that has this address and id; `write` makes bytes of their answers."""

    store: str
    store_id: str
    cache: tuple[Path, int]
    pinned: PinnedView
    reports: tuple[Any, ...]
    now: Now
    rules: bytes | None
    rates: Rates
    limits: Limits
    write: Callable[[list[Any]], bytes]


def answer_task(task: ReportTask) -> bytes:
    """Raises ReportError, and what ViewCache.view raises; WrongStore if another store is there."""
    rules = decode_ruleset(task.rules) if task.rules else None
    with closing(open_store(task.store, task.cache, expected=lambda: task.store_id)) as store:
        view = ViewCache(store).open(task.pinned).with_rules(rules).with_rates(task.rates)
        return task.write(plan_many(task.reports, view, task.now, task.limits).run())
