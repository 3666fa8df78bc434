"""Which connections are closed, and when: the decisions alone, on connections that only say how long they wait."""

from dataclasses import dataclass, field
from itertools import count

import pytest

from collection.connections import guard as guard_module
from collection.connections.guard import RESERVE, Guard, Limits, network_of

moments = count()


@dataclass(eq=False)
class Client:
    address: str = "192.0.2.1"
    waiting: bool = True
    overdue: bool = False
    held_bytes: int = 0
    ended: str = ""
    since: float = field(default_factory=lambda: float(next(moments)))

    def waits_since(self) -> float | None:
        return self.since if self.waiting else None

    def is_overdue(self, now: float) -> bool:
        return self.overdue

    def time_out(self) -> None:
        self.ended = "timed out"

    def abort(self) -> None:
        self.ended = "aborted"


def admitted(guard: Guard, *clients: Client) -> list[Client]:
    assert all(guard.admit(client) for client in clients)
    return list(clients)


def test_it_works() -> None:
    guard = Guard(Limits(connections=100, per_address=10))
    first = admitted(guard, Client())[0]
    assert len(guard) == 1
    guard.forget(first)
    assert len(guard) == 0


def test_where_all_are_taken_those_that_have_waited_longest_make_room() -> None:
    guard = Guard(Limits(connections=32, per_address=0))
    old = admitted(guard, *(Client() for _ in range(32)))
    admitted(guard, Client())
    assert [client.ended for client in old[:3]] == ["aborted", "aborted", ""]
    assert guard.closed_to_make_room == 2


def test_a_client_that_waits_for_us_is_not_closed() -> None:
    guard = Guard(Limits(connections=2, per_address=0))
    busy, slow = admitted(guard, Client(waiting=False), Client())
    admitted(guard, Client())
    assert (busy.ended, slow.ended) == ("", "aborted")


def test_one_address_closes_its_own_only() -> None:
    guard = Guard(Limits(connections=100, per_address=3))
    other = admitted(guard, Client("198.51.100.1"))[0]
    mine = admitted(guard, Client(), Client(), Client(), Client())
    assert other.ended == ""
    assert [client.ended for client in mine] == ["aborted", "", "", ""]


def test_one_address_with_one_connection_at_a_time() -> None:
    """The set of its connections is dropped while room is made, and must not be added to after that."""
    guard = Guard(Limits(connections=100, per_address=1))
    clients = admitted(guard, *(Client() for _ in range(20)))
    assert [client.ended for client in clients] == ["aborted"] * 19 + [""]
    assert len(guard) == 1


def test_an_address_whose_requests_are_all_being_answered_gets_no_more() -> None:
    guard = Guard(Limits(connections=100, per_address=2))
    admitted(guard, Client(waiting=False), Client(waiting=False))
    assert not guard.admit(Client())
    assert guard.refused == 1


def test_clients_behind_a_trusted_proxy_do_not_share_a_bound() -> None:
    guard = Guard(Limits(connections=100, per_address=2), lambda address: address == "10.0.0.1")
    proxied = admitted(guard, *(Client("10.0.0.1") for _ in range(10)))
    assert [client.ended for client in proxied] == [""] * 10


def test_a_network_of_ipv6_is_one_client() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") != network_of("192.0.2.2")


def test_a_reserve_is_left_for_questions_about_health() -> None:
    guard = Guard(Limits(connections=2, per_address=0))
    fullness = []
    for _ in range(2 + RESERVE):
        admitted(guard, Client(waiting=False))
        fullness.append(guard.is_full)
    assert fullness == [False] * 2 + [True] * RESERVE
    assert not guard.admit(Client())


def test_unfinished_requests_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "MAX_HELD_BYTES", 100)
    guard = Guard(Limits())
    old, middle, new, empty = admitted(guard, Client(), Client(), Client(), Client())
    for client in (old, middle, new):
        client.held_bytes = 40
        guard.hold(40)
    assert [client.ended for client in (old, middle, new, empty)] == ["aborted", "", "", ""]
    assert guard.held_bytes == 80


def test_the_overdue_are_closed() -> None:
    guard = Guard(Limits())
    late, patient = admitted(guard, Client(overdue=True), Client())
    guard.look(0.0)
    assert (late.ended, patient.ended, guard.timed_out) == ("timed out", "", 1)


def test_stopping_does_not_wait_for_clients() -> None:
    guard = Guard(Limits())
    slow, busy = admitted(guard, Client(), Client(waiting=False))
    guard.abort_waiting()
    assert (slow.ended, busy.ended) == ("aborted", "")


def test_nothing_is_remembered_of_addresses_that_are_gone() -> None:
    guard = Guard(Limits(connections=1, per_address=1))
    for number in range(100):
        client = Client(f"192.0.2.{number}", waiting=False)
        guard.admit(client)
        guard.forget(client)
    assert len(guard._by_network) == 0
