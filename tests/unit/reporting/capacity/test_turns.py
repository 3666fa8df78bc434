"""A request that waits for its turn holds no connection to the database."""

from typing import Any

import pytest

from reporting.capacity import turns
from reporting.capacity.queue import Busy
from reporting.capacity.turns import PAGES, queues, turn

ALICE = 1


class FakeConnection:
    def __init__(self, *, in_atomic_block: bool = False) -> None:
        self.in_atomic_block, self.closed = in_atomic_block, 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def one_page_at_a_time(settings: Any) -> Any:
    settings.PAGES_PER_USER, settings.WORK_WAIT_S = 1, 0.01
    queues.cache_clear()
    yield
    queues.cache_clear()


def waited(connection: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> int:
    """Returns how often a request that waits closed its connection."""
    monkeypatch.setattr(turns, "connection", connection)
    with turn(PAGES, ALICE, None):
        assert connection.closed == 0
        with pytest.raises(Busy), turn(PAGES, ALICE, None):
            pass
        closed = connection.closed
    assert connection.closed == closed  # the one that did not wait keeps its own
    return closed


def test_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that waits closes its connection before and afterwards."""
    assert waited(FakeConnection(), monkeypatch) == 2


def test_a_connection_with_an_open_transaction_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited(FakeConnection(in_atomic_block=True), monkeypatch) == 0
