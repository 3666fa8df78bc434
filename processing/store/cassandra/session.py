"""Statements on a Cassandra cluster, as the store needs them: prepared, at quorum, tried again, in the port's errors.

The only module that knows the driver. It connects when it is first used, and again in a forked child.
"""

import os
import random
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import Any, Final, NamedTuple, TypeVar

from cassandra import AuthenticationFailed, ConsistencyLevel, DriverException, RequestValidationException, Unauthorized
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionException
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    FallthroughRetryPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import ErrorMessage
from cassandra.query import BatchStatement, BatchType, tuple_factory

from configuration.outages import OUTAGES
from processing.store.cassandra.address import ClusterAddress
from processing.store.cassandra.layout import FORMAT
from processing.store.port import Expected, StoreUnavailable, any_store, check_identity

IN_FLIGHT: Final = 16  # requests of one process that carry content: 8 MiB at most
PAUSES_S: Final = (0.1, 0.4, 1.6)  # between the attempts of one statement, with jitter
ATTEMPTS: Final = 5  # to learn what became of a conditional write
TIMEOUT_S: Final = 12.0
CONNECT_S: Final = 5.0
PATIENCE_S: Final = 60.0

Row = tuple[Any, ...]
Statement = tuple[str, Sequence[object]]
T = TypeVar("T")

_REJECTED: Final = (RequestValidationException, AuthenticationFailed)
_TRANSIENT: Final = (NoHostAvailable, DriverException, ErrorMessage, ConnectionException, ConnectionBusy, OSError)
_NOT_SET_UP: Final = ("does not exist", "unconfigured table")
ID: Final = "id"
_ADVICE: Final = "run `manage.py setup_store`"


class UnknownOutcome(Exception):
    """A conditional write may have happened, or not: read at serial consistency, then decide."""


class _Opened(NamedTuple):
    pid: int
    cluster: Any
    session: Any
    prepared: dict[str, Any]


class CassandraSession:
    """Safe to share between threads. `keyspace` False: before there is one; `check` False: before it has a format."""

    def __init__(
        self,
        address: ClusterAddress,
        *,
        keyspace: bool = True,
        check: bool = True,
        expected: Expected = any_store,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`patience_s`: after so long a statement is not tried again, and no single attempt takes longer."""
        self.address, self._patience_s = address, patience_s
        name, checked = (address.keyspace, check) if keyspace else (None, False)
        self._connect = partial(_connect, address, name, check=checked, expected=expected, patience_s=patience_s)
        self._opened: _Opened | None = None
        self._inherited: list[_Opened] = []
        self._lock = Lock()
        self._slots = BoundedSemaphore(IN_FLIGHT)

    def run(self, query: str, values: Sequence[object] = (), *, serial: bool = False) -> list[Row]:
        """One statement that may be repeated; `serial` reads see all conditional writes. Raises StoreUnavailable."""
        return self._with_retries(lambda: list(self._session().execute(self._bound(query, values, serial=serial))))

    def run_all(self, query: str, many: Iterable[Sequence[object]]) -> list[list[Row]]:
        """One statement for each of many values, side by side; the answers in their order."""
        answers: list[list[Row]] = []
        waiting: deque[tuple[Any, Sequence[object]]] = deque()
        for values in many:
            if len(waiting) == IN_FLIGHT:
                answers.append(self._result(query, *waiting.popleft()))
            waiting.append((self._send(query, values), values))
        return answers + [self._result(query, *each) for each in waiting]

    def swap(self, statements: Sequence[Statement]) -> bool:
        """A conditional batch on one partition: whether it was applied. Raises UnknownOutcome, StoreUnavailable."""
        batch = self._with_retries(lambda: self._batch(statements))
        try:
            return bool(self._session().execute(batch).was_applied)
        except _REJECTED as error:
            raise _translate_error(error) from error
        except _TRANSIENT as error:
            raise UnknownOutcome(str(error)) from error

    def insert_if_absent(self, insert: Statement, read: Statement) -> Row | None:
        """Makes a row that is not there yet (`IF NOT EXISTS`). Gives the row that was there already, which may be
        ours: of an attempt whose outcome was not known.
        """
        for _ in range(ATTEMPTS):
            if self._try_swap(insert):
                return None
            found = self.run(*read, serial=True)
            if found:
                return found[0]
        raise StoreUnavailable("a row that was made is deleted again and again")

    def delete_if_id(self, delete: Statement, read: Statement, id: bytes) -> bool:
        """Deletes the row of an id (`IF id = ?`); False: another one was there."""
        for _ in range(ATTEMPTS):
            if self._try_swap(delete):
                return True
            found = self.run(*read, serial=True)
            if not found or bytes(found[0][0]) != id:
                return not found
        raise StoreUnavailable("a row could not be deleted")

    def _try_swap(self, statement: Statement) -> bool | None:
        """None: nobody knows; a read at serial consistency settles it."""
        try:
            return self.swap([statement])
        except UnknownOutcome:
            return None

    def define(self, statement: str) -> None:
        """A statement on the schema, not prepared."""
        self._with_retries(lambda: self._session().execute(statement, timeout=60.0))

    def _with_retries(self, action: Callable[[], T]) -> T:
        """Tries an action several times, with pauses, while the patience lasts. Raises StoreUnavailable."""
        give_up = time.monotonic() + self._patience_s
        for pause in PAUSES_S:
            try:
                return _attempt(action)
            except StoreUnavailable as error:
                if not isinstance(error.__cause__, _TRANSIENT) or isinstance(error.__cause__, _REJECTED):
                    raise
                if time.monotonic() + pause > give_up:
                    OUTAGES.began("store", error)
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads out the attempts
        with OUTAGES.watch("store", StoreUnavailable):
            return _attempt(action)

    def data_centers(self) -> dict[str, int]:
        """Returns the number of nodes that are known, by data center. Raises StoreUnavailable."""
        hosts = self._with_retries(lambda: self._open().cluster.metadata.all_hosts())
        return dict(Counter(str(host.datacenter) for host in hosts))

    def close(self) -> None:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened and opened.pid == os.getpid():
            opened.cluster.shutdown()

    def _session(self) -> Any:
        return self._open().session

    def _open(self) -> _Opened:
        with self._lock:
            if self._opened and self._opened.pid != os.getpid():
                self._inherited.append(self._opened)  # closing it here would end the parent's connections
                self._opened, self._slots = None, BoundedSemaphore(IN_FLIGHT)
            if self._opened is None:
                self._opened = self._connect()
            return self._opened

    def _prepared(self, query: str) -> Any:
        opened = self._open()
        if query not in opened.prepared:
            opened.prepared[query] = opened.session.prepare(query)
        return opened.prepared[query]

    def _bound(self, query: str, values: Sequence[object], *, serial: bool = False) -> Any:
        bound = self._prepared(query).bind(values)
        bound.is_idempotent = True
        if serial:
            bound.consistency_level = ConsistencyLevel.LOCAL_SERIAL
        return bound

    def _batch(self, statements: Sequence[Statement]) -> Any:
        batch = BatchStatement(BatchType.UNLOGGED)
        for query, values in statements:
            batch.add(self._prepared(query).bind(values))
        return batch

    def _send(self, query: str, values: Sequence[object]) -> Any:
        """Sends a request once one of the slots is free. None: it could not be sent."""
        slots = self._slots
        slots.acquire()
        free = _call_once(slots.release)
        try:
            future = self._session().execute_async(self._bound(query, values))
        except _REJECTED as error:
            free()
            raise _translate_error(error) from error
        except _TRANSIENT:
            free()
            return None
        future.add_callbacks(free, free)
        return future

    def _result(self, query: str, future: Any, values: Sequence[object]) -> list[Row]:
        try:
            if future:
                return list(future.result())
        except _REJECTED as error:
            raise _translate_error(error) from error
        except _TRANSIENT:
            pass  # tried again, with pauses
        return self.run(query, values)


def _connect(
    address: ClusterAddress, keyspace: str | None, *, check: bool, expected: Expected, patience_s: float
) -> _Opened:
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(address.dc)),
        retry_policy=FallthroughRetryPolicy(),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=min(TIMEOUT_S, patience_s),
        row_factory=tuple_factory,
    )
    cluster = Cluster(
        address.hosts,
        port=address.port,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        auth_provider=PlainTextAuthProvider(address.user, address.password) if address.user else None,
        reconnection_policy=ExponentialReconnectionPolicy(0.5, 10.0),
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # without it a cell waits for the one before
        ssl_context=address.tls,
        connect_timeout=min(CONNECT_S, patience_s / 3),
        compression=False,
    )
    try:
        session = cluster.connect()
        if keyspace:
            session.set_keyspace(keyspace)  # connecting to one that is missing says only that no host is available
        if check:
            _check_format(list(session.execute("SELECT format FROM formats WHERE name = 'store'")))
            if expected():
                rows = list(session.execute("SELECT value FROM labels WHERE name = 'id'"))
                check_identity(str(rows[0][0]) if rows else "", expected)
        return _Opened(os.getpid(), cluster, session, {})
    except BaseException:
        cluster.shutdown()
        raise


def _check_format(rows: list[Row]) -> None:
    if not rows:
        raise StoreUnavailable(f"Cassandra: the store was not set up to its end; {_ADVICE}")
    if rows[0][0] != FORMAT:
        raise StoreUnavailable(f"Cassandra: the store has format {rows[0][0]}, not {FORMAT}")


def _attempt(action: Callable[[], T]) -> T:
    try:
        result = action()
    except (*_REJECTED, *_TRANSIENT) as error:
        raise _translate_error(error) from error
    OUTAGES.ended("store")
    return result


def _translate_error(error: Any) -> "StoreUnavailable | RequestValidationException":
    """A statement that is wrong in itself is a fault of ours, not of the cluster."""
    text = f"Cassandra: {error}"
    if not isinstance(error, RequestValidationException) or isinstance(error, Unauthorized):
        return StoreUnavailable(text)
    if any(sign in text.lower() for sign in _NOT_SET_UP):
        return StoreUnavailable(f"{text}; {_ADVICE}")
    return error


def _call_once(action: Callable[[], None]) -> Callable[..., None]:
    """Returns a callback that acts the first time only: the driver calls it again for each further page."""
    left = [action]

    def act(*_: object) -> None:
        if left:
            left.pop()()

    return act
