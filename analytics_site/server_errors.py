"""Tells which server an error is about, for configuration/outages.py."""

from typing import Final

from django.db import InterfaceError, OperationalError

from collection.log.port import LogUnavailable
from processing.store.port import StoreUnavailable

BROKER_ERRORS: Final = (
    "redis.exceptions.ConnectionError",
    "redis.exceptions.TimeoutError",
    "kombu.exceptions.OperationalError",
)
CONNECTION_LOST: Final = ("08", "57P")  # classes of PostgreSQL's error codes


def server_of(error: BaseException) -> str:
    """Returns log, store, database or broker if the error may mean that it is away, else ""."""
    if isinstance(error, LogUnavailable):
        return "log"
    if isinstance(error, StoreUnavailable):
        return "store"
    if is_lost_database(error):
        return "database"
    names = (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return "broker" if any(name in BROKER_ERRORS for name in names) else ""


def is_lost_database(error: BaseException) -> bool:
    """Returns whether the connection to PostgreSQL is lost, or cannot be made. SQLite has no server to lose."""
    cause = error.__cause__
    if (
        not isinstance(error, OperationalError | InterfaceError)
        or type(cause).__module__.partition(".")[0] != "psycopg"
    ):
        return False
    code = getattr(cause, "sqlstate", None)
    return code is None or code.startswith(CONNECTION_LOST)
