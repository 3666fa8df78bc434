"""Says once that a server went away, and once that it is back, however many tasks of the process need it.

The adapters of servers call `began` and `ended`. While a server is away, OutageFilter drops the lines about errors that
follow from it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

MESSAGE_CHARACTERS: Final = 400
UNAVAILABLE: Final = 503  # the status of requests that are refused meanwhile
SERVER_ERROR: Final = 500
LONGEST_BAD_REQUEST: Final = 500  # characters
WITHOUT_ADAPTER: Final = ("database", "broker")

Classify = Callable[[BaseException], str]

logger = logging.getLogger(__name__)


class Outages:
    """The outages of the servers that a process uses, by the name of the server: log, store, database, broker."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()
        self.classify: Classify = lambda _: ""  # returns the server that an error is about, or ""
        self.consequences: dict[str, str] = {}  # what the process does meanwhile, by server

    def began(self, server: str, problem: object) -> None:
        """Logs the problem, unless the server is known to be away."""
        with self._lock:
            if server in self._since:
                return
            self._since[server] = time.monotonic()
        meanwhile = self.consequences.get(server, "it is tried again until it does")
        logger.error(
            "the %s does not answer, %s: %s", server, meanwhile, " ".join(str(problem).split())[:MESSAGE_CHARACTERS]
        )

    def ended(self, server: str) -> None:
        """Logs that the server is back, if it was away."""
        if server not in self._since:  # without the lock: it is called after every request
            return
        with self._lock:
            since = self._since.pop(server, None)
        if since is not None:
            logger.warning("the %s answers again, after %.0f s", server, time.monotonic() - since)

    def are_there(self) -> bool:
        return bool(self._since)

    def is_away(self, server: str) -> bool:
        return server in self._since

    @contextmanager
    def watch(self, server: str, errors: type[Exception] | tuple[type[Exception], ...]) -> Iterator[None]:
        """Notes that the server is away if the block raises one of the errors, and that it answers if not."""
        try:
            yield
        except errors as error:
            self.began(server, error)
            raise
        self.ended(server)

    def explains(self, error: BaseException | None) -> bool:
        """Returns whether the error, or one that it follows from, is about a server that is away."""
        while error is not None:
            if self.classify(error) in self._since:
                return True
            error = error.__cause__ or error.__context__
        return False


OUTAGES: Final = Outages()  # of this process


class OutageFilter(logging.Filter):
    """Drops log lines about errors that an outage explains: it was logged when it began.

    Database and broker have no adapter of ours: the first line about one of them begins its outage.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        values = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
        errors = [value for value in values if isinstance(value, BaseException)]
        errors += [record.exc_info[1]] if record.exc_info and record.exc_info[1] else []
        for error in errors:
            if (server := OUTAGES.classify(error)) in WITHOUT_ADAPTER:
                OUTAGES.began(server, error)
        is_refusal = getattr(record, "status_code", None) == UNAVAILABLE and OUTAGES.are_there()
        return not (is_refusal or any(OUTAGES.explains(error) for error in errors))


class BadRequests(logging.Filter):
    """Shortens what is logged about a request that was answered 4xx to a line, so that clients do not fill the disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", UNAVAILABLE) < SERVER_ERROR:
            record.msg, record.args = record.getMessage()[:LONGEST_BAD_REQUEST], ()
            record.exc_info = record.exc_text = None
        return True


class CeleryAdvice(logging.Filter):
    """Drops the advice that Celery gives at each loss of the broker. Our jobs may be done twice: none is cancelled."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "worker_cancel_long_running_tasks_on_connection_loss" not in record.getMessage()


class BrokerAnswers(logging.Filter):
    """Takes Celery's line that it is connected for the end of an outage, and drops it."""

    def filter(self, record: logging.LogRecord) -> bool:
        OUTAGES.ended("broker")
        return False
