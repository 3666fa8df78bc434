"""Lets a few pieces of work run at once, and few of one user; the others wait for a moment, or are refused."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from threading import Condition
from typing import Final

LOOK_AGAIN_S: Final = 0.25  # how often a waiting request looks whether somebody still waits for it


class Busy(Exception):
    """The work is not begun; the message says why and what to do. `status` is the HTTP status."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class WorkQueue:
    """At most `at_once` pieces of work run, `per_user` of one user; at most `waiting` wait, half of them of one user.

    Who came first runs first, but for users who already have as many as they may. `name` is what the work is called in
    messages, such as "reports".
    """

    def __init__(self, name: str, at_once: int, per_user: int, waiting: int, wait_s: float) -> None:
        self.name, self.at_once, self.per_user, self.waiting, self.wait_s = name, at_once, per_user, waiting, wait_s
        self._running = Counter[int]()
        self._waiting: list[_Ticket] = []  # users, who came first first
        self._changed = Condition()

    @property
    def threads(self) -> int:
        """How many threads it takes for all that run and wait."""
        return self.at_once + self.waiting

    @contextmanager
    def turn(self, user: int, check: Callable[[], None], on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Waits until the block may run; calls `on_wait`, which must be quick, if it may not run at once. Raises Busy,
        and what `check` raises while it waits.
        """
        with self._changed:
            self._wait(user, check, on_wait)
            self._running[user] += 1
        try:
            yield
        finally:
            with self._changed:
                self._running[user] -= 1
                self._running += Counter()  # forgets users who have none
                self._changed.notify_all()

    def _wait(self, user: int, check: Callable[[], None], on_wait: Callable[[], None]) -> None:
        if not self._may_run(user) and self._is_full(user):
            raise self._busy(user)
        ticket = _Ticket(user)
        self._waiting.append(ticket)
        try:
            ends = time.monotonic() + self.wait_s
            if not self._is_next(ticket):
                on_wait()
            while not self._is_next(ticket):
                check()
                left = ends - time.monotonic()
                if left <= 0:
                    raise self._busy(user)
                self._changed.wait(min(left, LOOK_AGAIN_S))
        finally:
            self._waiting.remove(ticket)
            self._changed.notify_all()

    def _is_next(self, ticket: "_Ticket") -> bool:
        return next((each for each in self._waiting if self._may_run(each.user)), None) is ticket

    def _may_run(self, user: int) -> bool:
        return self._running.total() < self.at_once and self._running[user] < self.per_user

    def _is_full(self, user: int) -> bool:
        of_user = sum(each.user == user for each in self._waiting)
        return len(self._waiting) >= self.waiting or of_user >= max(self.waiting // 2, 1)

    def _busy(self, user: int) -> Busy:
        if self._running[user] >= self.per_user:
            return Busy(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"Too many {self.name} of yours at once: {self.per_user} may run at a time. Wait until one is answered,"
                " then ask again.",
            )
        return Busy(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"This installation is busy with {self.name}: {self.at_once} run at a time. Ask again in a moment.",
        )


class _Ticket:
    """A place in the queue: two of one user are two."""

    def __init__(self, user: int) -> None:
        self.user = user
