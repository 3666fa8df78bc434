"""Tasks that fail: what is done about it, and in which order."""

import pytest

from processing.concurrency.backoff import FIRST_PAUSE_S, FORGET_S, LONGEST_PAUSE_S, Backoff, Task


class Connection:
    """Is dead after an error until it is recovered, and loses what is written meanwhile."""

    def __init__(self) -> None:
        self.is_alive, self.recorded = True, list[str]()

    def work(self) -> None:
        self.is_alive = False
        raise ConnectionError("gone")

    def recover(self) -> None:
        self.is_alive = True

    def failed(self, name: str, property: int | None, error: Exception, tries: int) -> None:
        if self.is_alive:
            self.recorded.append(f"{name}, {tries}")

    def works_again(self, name: str) -> None:
        self.recorded.append(f"{name}, works again")


@pytest.fixture
def connection() -> Connection:
    return Connection()


def test_it_works() -> None:
    now = 0.0
    backoff = Backoff(lambda: now)
    assert not backoff.attempt(Task.SEAL, Connection().work, 7)
    assert (backoff.is_due(Task.SEAL, 7), backoff.is_due(Task.SEAL, 8)) == (False, True)
    now += FIRST_PAUSE_S
    assert backoff.attempt(Task.SEAL, lambda: None, 7)
    assert len(backoff) == 0


def test_a_failure_is_recorded_over_a_connection_that_works_again(connection: Connection) -> None:
    backoff = Backoff(lambda: 0.0, recover=connection.recover, record=connection)
    assert not backoff.attempt(Task.SEAL, connection.work, 7)
    assert connection.recorded == ["sealing property 7, 1"]


def test_a_failure_that_the_caller_raises_is_recorded_so_too(connection: Connection) -> None:
    backoff = Backoff(lambda: 0.0, recover=connection.recover, record=connection)
    with pytest.raises(ConnectionError) as caught:
        connection.work()
    backoff.note(Task.SEAL, caught.value, 7)
    assert connection.recorded == ["sealing property 7, 1"]


def test_a_task_that_nobody_tries_any_more_is_forgotten() -> None:
    now = 0.0
    backoff = Backoff(lambda: now)
    backoff.note(Task.RECEIVE_RANGE, ValueError("broken"), 1)
    for number in (2, 3):
        now += FORGET_S / 2
        backoff.note(Task.RECEIVE_RANGE, ValueError("broken"), number)
    assert len(backoff) == 3
    now += LONGEST_PAUSE_S
    backoff.note(Task.RECEIVE_RANGE, ValueError("broken"), 3)
    assert len(backoff) == 2
    assert backoff.is_due(Task.RECEIVE_RANGE, 1)
