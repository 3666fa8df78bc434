"""DATABASE_URL and STORE_URL in Django's words."""

from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

LOCAL_QUORUM: Final = 6  # the driver's number of it: settings are read where the driver is not installed
# IMMEDIATE: two writers queue for the lock instead of failing when both turn from reading to writing.
# FULL: what was committed survives a power cut.
SQLITE_OPTIONS: Final = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
# Of the network, so that a server that vanished is noticed within half a minute. None of a statement: an index of a
# large ledger takes as long as it takes.
POSTGRES_OPTIONS: Final = {
    "connect_timeout": 5,  # seconds
    "keepalives": 1,
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}


def database(url: str) -> dict[str, Any]:
    """`sqlite:///absolute/path` or `postgres://user:password@host:port/name`. Raises ImproperlyConfigured."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path), "OPTIONS": SQLITE_OPTIONS}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": _port(parts),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": POSTGRES_OPTIONS,
    }


def need_package(package: str, variable: str, *, used: bool) -> None:
    """Raises ImproperlyConfigured where an address is of a server whose package is not installed."""
    if used and not find_spec(package):
        raise ImproperlyConfigured(f"{variable} names a server: install the packages of requirements-cluster.txt.")


def _port(parts: SplitResult) -> str:
    """Raises ImproperlyConfigured. What is found in place of a number may be half a password: it is not shown."""
    try:
        return str(parts.port or "")
    except ValueError:
        raise ImproperlyConfigured(
            "The address of a database has no number as its port. User and password must be percent-encoded, / as %2F."
        ) from None


def cluster(store_url: str) -> dict[str, dict[str, Any]]:
    """The alias `cassandra`, where the store is on a cluster. It is never the default: only small tables are there."""
    if not store_url.startswith("cassandra://"):
        return {}
    from processing.store import cluster_of  # reads much that an embedded installation's commands do not need

    try:
        found = cluster_of(store_url)
    except ValueError as error:
        raise ImproperlyConfigured(f"STORE_URL is not allowed: {error}.") from error
    need_package("django_cassandra_engine", "STORE_URL", used=True)
    options = {
        "replication": {"strategy_class": "NetworkTopologyStrategy", **dict(found.replication)},
        "connection": {"port": found.port, "lazy_connect": True, "retry_connect": True, "consistency": LOCAL_QUORUM},
    }
    entry = {"ENGINE": "django_cassandra_engine", "NAME": found.keyspace, "HOST": ",".join(found.hosts)}
    return {"cassandra": {**entry, "USER": found.user, "PASSWORD": found.password, "OPTIONS": options}}
