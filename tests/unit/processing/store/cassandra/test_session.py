"""What the driver says in the words of the port; the driver's session is played, no node is needed."""

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cassandra import InvalidRequest, OperationTimedOut, Unavailable, WriteTimeout
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy
from cassandra.protocol import OverloadedErrorMessage, ServerError

from processing.store import open_store
from processing.store.cassandra.address import parse_address
from processing.store.cassandra.session import CassandraSession, UnknownOutcome, _Opened
from processing.store.port import StoreUnavailable

PASSING = [
    NoHostAvailable("none", {}),
    OperationTimedOut(),
    Unavailable("two of three", 6, 2, 1),
    WriteTimeout("late", write_type=4, consistency=6, required_responses=2, received_responses=1),
    OverloadedErrorMessage(0x1001, "busy", None),
    ServerError(0, "fault", None),
    ConnectionBusy("full"),
    ConnectionResetError("reset"),
]


class Driver:
    """Answers as it is told, one answer after the other."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers, self.asked = answers, 0

    def prepare(self, query: str) -> "Driver":
        return self

    def bind(self, values: object) -> Any:
        return type("Bound", (), {"keyspace": None, "routing_key": None})()

    def execute(self, statement: object, **_: object) -> Any:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


Play = Callable[..., tuple[CassandraSession, Driver]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.setattr("processing.store.cassandra.session.PAUSES_S", (0.0, 0.0))

    def play(*answers: Any) -> tuple[CassandraSession, Driver]:
        driver = Driver(list(answers))
        opened = _Opened(os.getpid(), driver, driver, {})
        monkeypatch.setattr("processing.store.cassandra.session._connect", lambda *_, **__: opened)
        return CassandraSession(parse_address("cassandra://a/stats")), driver

    return play


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_it_works(play: Play, error: Exception) -> None:
    session, driver = play(error, error, [(1,)])
    assert session.run("SELECT x") == [(1,)]
    assert driver.asked == 3


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_it_gives_up_after_a_while(play: Play, error: Exception) -> None:
    session, driver = play(*[error] * 9)
    with pytest.raises(StoreUnavailable, match="Cassandra"):
        session.run("SELECT x")
    assert driver.asked == 3


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_a_conditional_write_is_not_repeated(monkeypatch: pytest.MonkeyPatch, play: Play, error: Exception) -> None:
    """It may have been carried out: whoever wrote has to look."""
    session, driver = play(error, [(True,)])
    monkeypatch.setattr(session, "_batch", lambda statements: "a batch")
    with pytest.raises(UnknownOutcome):
        session.swap([("UPDATE x", ())])
    assert driver.asked == 1


@pytest.mark.parametrize("said", ["table blocks does not exist", "unconfigured table x", "Keyspace 'x' does not exist"])
def test_a_store_that_was_not_set_up(play: Play, said: str) -> None:
    session, driver = play(InvalidRequest(said))
    with pytest.raises(StoreUnavailable, match="setup_store"):
        session.run("SELECT x")
    assert driver.asked == 1


def test_a_wrong_statement_is_a_fault_of_ours(play: Play) -> None:
    session, driver = play(InvalidRequest("Unknown identifier x"))
    with pytest.raises(InvalidRequest):
        session.run("SELECT x")
    assert driver.asked == 1


def test_opening_needs_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing.store.cassandra.session.PAUSES_S", (0.0,))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        store = open_store(f"cassandra://127.0.0.1:{taken.getsockname()[1]}/stats")
        with pytest.raises(StoreUnavailable, match="Unable to connect"):
            store.blocks()
        store.close()


def test_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedded installation needs no driver; whoever names a cluster is told what is missing."""
    for name in [name for name in sys.modules if name.startswith("processing.store.cassandra")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cassandra", None)
    with pytest.raises(ValueError, match="requirements-cluster"):
        open_store("cassandra://a/stats")
