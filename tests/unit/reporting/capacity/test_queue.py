"""Who may run, who waits, and who is refused."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

import pytest

from reporting.capacity.queue import Busy, WorkQueue

ALICE, BOB, CARLA, DORA = 1, 2, 3, 4
HANGS_S = 60


def nothing() -> None:
    """Somebody waits for the answer."""


def queue(at_once: int = 2, per_user: int = 1, waiting: int = 2, wait_s: float = 0) -> WorkQueue:
    return WorkQueue("reports", at_once, per_user, waiting, wait_s)


@contextmanager
def running(reports: WorkQueue, *users: int) -> Iterator[None]:
    with ExitStack() as turns:
        for user in users:
            turns.enter_context(reports.turn(user, nothing))
        yield


def refusal(reports: WorkQueue, user: int) -> Busy:
    with pytest.raises(Busy) as refused, reports.turn(user, nothing):
        pass
    return refused.value


def test_it_works() -> None:
    reports = queue()
    with running(reports, ALICE, BOB):
        pass
    with running(reports, ALICE, BOB):  # the turns before have ended
        pass


def test_one_user_cannot_take_the_turns_of_others() -> None:
    reports = queue()
    with running(reports, ALICE):
        refused = refusal(reports, ALICE)
        assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
        assert "1 may run at a time. Wait until one is answered" in str(refused)
        with running(reports, BOB):
            pass


def test_when_all_turns_are_taken_everybody_is_refused() -> None:
    reports = queue()
    with running(reports, ALICE, BOB):
        refused = refusal(reports, CARLA)
        assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert "2 run at a time. Ask again in a moment" in str(refused)


def test_who_has_to_wait_is_told_before() -> None:
    reports, told = queue(wait_s=0.01), list[int]()
    with reports.turn(ALICE, nothing, lambda: told.append(ALICE)):
        assert told == []
        with pytest.raises(Busy), reports.turn(ALICE, nothing, lambda: told.append(ALICE)):
            pass
    assert told == [ALICE]


class Waiting:
    """Work of a user that waits in a thread of its own; `done` has the users whose work was done, in order."""

    def __init__(self, reports: WorkQueue, user: int, done: list[int], gone: threading.Event | None = None) -> None:
        self._reports, self._user, self._done, self._gone = reports, user, done, gone
        self.error: Exception | None = None
        before = len(reports._waiting)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()
        ends = time.monotonic() + HANGS_S
        while len(reports._waiting) == before and time.monotonic() < ends:
            time.sleep(0.001)

    def join(self) -> None:
        self._thread.join(HANGS_S)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        try:
            with self._reports.turn(self._user, self._check):
                self._done.append(self._user)
        except (Busy, ConnectionError) as error:
            self.error = error

    def _check(self) -> None:
        if self._gone and self._gone.is_set():
            raise ConnectionError


def test_who_waits_runs_when_a_turn_ends_in_order() -> None:
    reports, done = queue(at_once=1, waiting=4, wait_s=HANGS_S), list[int]()
    with running(reports, ALICE):
        waiting = [Waiting(reports, user, done) for user in (CARLA, BOB)]
        assert done == []
    for each in waiting:
        each.join()
    assert done == [CARLA, BOB]


def test_a_place_in_front_does_not_hold_up_others_who_may_run() -> None:
    reports, done = queue(waiting=4, wait_s=HANGS_S), list[int]()
    with running(reports, ALICE):
        behind = Waiting(reports, ALICE, done)  # has one already
        with running(reports, BOB):
            assert done == []
    behind.join()
    assert done == [ALICE]


def test_no_more_wait_than_there_are_places() -> None:
    reports, done = queue(waiting=2, wait_s=HANGS_S), list[int]()
    with running(reports, ALICE, BOB):
        first = Waiting(reports, ALICE, done)
        assert refusal(reports, ALICE).status == HTTPStatus.TOO_MANY_REQUESTS  # half of the places are for others
        second = Waiting(reports, CARLA, done)
        assert refusal(reports, DORA).status == HTTPStatus.SERVICE_UNAVAILABLE
    first.join()
    second.join()
    assert sorted(done) == [ALICE, CARLA]


def test_who_hangs_up_leaves_the_queue() -> None:
    reports, done, gone = queue(wait_s=HANGS_S), list[int](), threading.Event()
    with running(reports, ALICE, BOB):
        waiting = Waiting(reports, CARLA, done, gone)
        gone.set()
        waiting.join()
    assert isinstance(waiting.error, ConnectionError)
    assert done == []
    with running(reports, CARLA, DORA):
        pass
