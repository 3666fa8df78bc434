"""Gives each request its turn: among reports of the APIs, among pages, or among heavy work of both.

    GET /7/                    pages
    POST /v1beta/…:runReport   reports, and heavy work if its estimated cost is large
    GET …/rules/preview/       pages, then heavy work

So heavy work cannot take the threads of reports, and reports cannot take those of pages. Sign-in, static files and
other addresses without a turn have threads that none of these uses (analytics_site/bridge.py).
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from threading import Event
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connection

from configuration.numbers import how_many
from processing.interruption import interruptible
from reporting.capacity.queue import WorkQueue
from reporting.model.limits import Limits
from reporting.model.report import ReportError

REPORTS: Final = "reports"
PAGES: Final = "pages"
WITHOUT_TURN: Final = "rest"
MILLION: Final = 1_000_000

_API: Final = re.compile(r"/(v1beta|api)/")
_WITHOUT_TURN: Final = re.compile(r"/(sign-in|sign-out|static|help|admin/log(in|out)|admin/jsi18n|api/schema)/|/[^/]+$")


class TookTooLong(Exception):
    """The work took longer than it may; the message says what to do."""


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Queues(NamedTuple):
    reports: WorkQueue
    pages: WorkQueue
    heavy: WorkQueue


@lru_cache(maxsize=1)
def queues() -> Queues:
    """The queues of this process, by the settings."""
    wait_s, waiting = settings.WORK_WAIT_S, settings.WORK_WAITING
    return Queues(
        WorkQueue("reports", settings.REPORTS_AT_ONCE, settings.REPORTS_PER_USER, waiting, wait_s),
        WorkQueue("pages", settings.PAGES_AT_ONCE, settings.PAGES_PER_USER, waiting, wait_s),
        WorkQueue("heavy reports and previews", settings.HEAVY_AT_ONCE, 1, waiting, wait_s),
    )


def threads() -> dict[str, int]:
    """Returns how many threads the requests of a kind need: for all that run and wait, and one that refuses."""
    of = queues()
    return {
        REPORTS: of.reports.threads + of.heavy.threads + 1,
        PAGES: of.pages.threads + of.heavy.threads + 1,
        WITHOUT_TURN: settings.OTHER_THREADS,
    }


def kind_of(path: str) -> str:
    """Returns REPORTS, PAGES or WITHOUT_TURN."""
    if _WITHOUT_TURN.match(path):
        return WITHOUT_TURN
    return REPORTS if _API.match(path) else PAGES


class Turn:
    """The turn of one request, which it may exchange for one among the heavy work."""

    def __init__(self, user: int, gone: Event | None) -> None:
        self._user, self._gone = user, gone
        self._ends = float("inf")
        self._leave = ExitStack()
        self._has_waited = False

    def begin(self, queue: WorkQueue) -> None:
        """Gives up the turn in another queue. Raises Busy, ClientGone."""
        self.end()
        self._ends = float("inf")
        self._leave.enter_context(queue.turn(self._user, self.check, self._on_wait))
        self._ends = time.monotonic() + settings.WORK_SECONDS

    def end(self) -> None:
        self._leave.close()

    def end_request(self) -> None:
        self.end()
        if self._has_waited:  # so more threads are busy than usually, each of which would keep its connection
            close_database()

    def _on_wait(self) -> None:
        self._has_waited = True
        close_database()

    def check(self) -> None:
        """Raises TookTooLong, ClientGone."""
        if self._gone is not None and self._gone.is_set():
            raise ClientGone
        if time.monotonic() >= self._ends:
            raise TookTooLong(
                f"This took longer than {how_many(settings.WORK_SECONDS, 'second')} and was stopped. Ask for fewer"
                " days, dimensions or patterns at a time."
            )


def close_database() -> None:
    """Gives this thread's connection back: PostgreSQL allows few. It is opened again when it is needed."""
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def turn(kind: str, user: int, gone: Event | None) -> Iterator[None]:
    """Waits for a turn, and lets the work in the block be interrupted. Raises Busy, ClientGone."""
    mine = Turn(user, gone)
    token = _turn.set(mine)
    try:
        with interruptible(mine.check):
            mine.begin(queues().reports if kind == REPORTS else queues().pages)
            yield
    finally:
        mine.end_request()
        _turn.reset(token)


def begin_heavy_work() -> None:
    """Exchanges the turn of the request for one among the heavy work. Raises Busy, ClientGone."""
    if mine := _turn.get():
        mine.begin(queues().heavy)


def weigh(steps: int) -> bool:
    """Returns whether a report is heavy by its estimated cost (see Limits); then its turn is one of heavy work.

    Raises ReportError if it is too large, and Busy.
    """
    most = limits().steps
    if steps > most:
        raise ReportError(
            f"The report is too large: its events, times the fields and conditions that look at each, are about"
            f" {steps / MILLION:,.0f} million steps; at most {most / MILLION:,.0f} million are allowed. Ask for fewer"
            " days, date ranges, dimensions, metrics or conditions."
        )
    heavy = steps > settings.HEAVY_STEPS
    if heavy:
        begin_heavy_work()
    return heavy


@lru_cache(maxsize=1)
def limits() -> Limits:
    return Limits(
        conditions=settings.REPORT_CONDITIONS,
        patterns=settings.REPORT_PATTERNS,
        pattern_characters=settings.REPORT_PATTERN_CHARACTERS,
        values=settings.REPORT_VALUES,
        rows=settings.REPORT_ROWS,
        steps=settings.REPORT_STEPS,
    )


_turn: Final[ContextVar[Turn | None]] = ContextVar("turn", default=None)
