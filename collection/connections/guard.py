"""Decides which connections stay open: bounds on their number, deadlines, and which are closed to make room.

A connection that waits for its client costs little, but there may be thousands: clients that send a byte a second, or
do not read. Nothing is refused because of them: where a bound is reached, those that have waited longest are closed.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from functools import lru_cache
from heapq import nsmallest
from ipaddress import IPv6Address
from typing import Final, NamedTuple, Protocol

from collection.collector.http import parse_address

RESERVE: Final = 64  # connections beyond the bound that are asked about health only
SHARE_CLOSED: Final = 16  # one in so many is closed to make room, so that making room stays cheap
MAX_HELD_BYTES: Final = 64 * 2**20  # of requests that are not complete yet
NETWORK_BITS: Final = 64  # of an IPv6 address; one client has all addresses of its network


class Limits(NamedTuple):
    """`per_address`: 0 for no bound. `request_s` is the time for a whole request, `write_s` for 8 kB of an answer."""

    connections: int = 8192
    per_address: int = 512
    head_s: float = 10.0
    request_s: float = 30.0
    keep_alive_s: float = 75.0
    write_s: float = 20.0


class Guarded(Protocol):
    """A connection as the guard sees it."""

    address: str
    held_bytes: int  # of a request that is not complete yet

    def waits_since(self) -> float | None:
        """Returns since when the connection waits for its client, None while its client waits for us."""

    def is_overdue(self, now: float) -> bool: ...

    def time_out(self) -> None:
        """Closes the connection; a client that waits for an answer is told why."""

    def abort(self) -> None:
        """Closes the connection at once, whatever has not been sent."""


class Guard:
    """The open connections of a server, used from its loop's thread. `trusts` tells the proxies by their address."""

    def __init__(self, limits: Limits, trusts: Callable[[str], bool] = lambda address: False) -> None:
        self.limits = limits
        self.closed_to_make_room = 0
        self.refused = 0
        self.timed_out = 0
        self.held_bytes = 0
        self._trusts = trusts
        self._all: set[Guarded] = set()
        self._by_network: defaultdict[str, set[Guarded]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, connection: Guarded) -> bool:
        """Adds a connection, after making room for it. Returns False if there is none."""
        limit = self.limits.per_address
        network = network_of(connection.address)
        neighbours = self._by_network[network]
        alone = limit == 0 or self._trusts(connection.address)  # behind a proxy, clients share its address
        if (alone or self._has_room(neighbours, limit)) and self._has_room(self._all, self.limits.connections, RESERVE):
            self._all.add(connection)
            self._by_network[network].add(connection)  # making room may have dropped the set of before
            return True
        self.refused += 1
        return False

    @property
    def is_full(self) -> bool:
        """Returns whether only the reserve is left, although all that could be closed was closed."""
        return len(self._all) > self.limits.connections

    def forget(self, connection: Guarded) -> None:
        self._all.discard(connection)
        network = network_of(connection.address)
        if neighbours := self._by_network.get(network):
            neighbours.discard(connection)
        if not self._by_network.get(network):
            self._by_network.pop(network, None)

    def hold(self, more: int) -> None:
        """Counts bytes of unfinished requests; below 0, of those that are finished."""
        self.held_bytes += more
        if self.held_bytes > MAX_HELD_BYTES:
            self._close_longest_waiting([connection for connection in self._all if connection.held_bytes], 2)

    def look(self, now: float) -> None:
        """Closes the connections that are overdue. It is called about once a second."""
        for connection in [connection for connection in self._all if connection.is_overdue(now)]:
            self.timed_out += 1
            connection.time_out()

    def abort_waiting(self) -> None:
        """Closes all connections that wait for their clients, so that the server can stop."""
        for connection in [connection for connection in self._all if connection.waits_since() is not None]:
            connection.abort()

    def _has_room(self, connections: Collection[Guarded], limit: int, reserve: int = 0) -> bool:
        if len(connections) < limit:
            return True
        self._close_longest_waiting(connections, SHARE_CLOSED)
        return len(connections) < limit + reserve

    def _close_longest_waiting(self, connections: Collection[Guarded], share: int) -> None:
        waiting = [(since, id(one), one) for one in connections if (since := one.waits_since()) is not None]
        for _, _, connection in nsmallest(max(1, len(connections) // share), waiting):
            self.closed_to_make_room += 1
            self.forget(connection)
            self.held_bytes -= connection.held_bytes
            connection.held_bytes = 0
            connection.abort()


@lru_cache(maxsize=16_384)
def network_of(address: str) -> str:
    """Returns what counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address."""
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Address(int(parsed) >> NETWORK_BITS << NETWORK_BITS))
    return str(parsed)
