"""Turns DATABASE_URL and STORE_URL into Django's database settings."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from configuration.addresses import InvalidAddress, parse_address
from configuration.private_files import make_private_file

LOCAL_QUORUM: Final = 6  # the driver's constant; the settings are also read where the driver is not installed
# IMMEDIATE: a transaction takes the write lock first. Two that read first and then write would fail instead of waiting.
# FULL: committed data survives a power cut. secure_delete: deleted content is overwritten (processing/maintenance/
# database_journal.py empties the journal).
SQLITE_OPTIONS: Final = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON;"
    ),
}
# Timeouts of the network notice a vanished server within half a minute. Statements have no timeout: creating an index
# of a large ledger may take long.
POSTGRES_OPTIONS: Final = {
    "connect_timeout": 5,  # seconds
    "keepalives": 1,
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds
}


def database(url: str) -> dict[str, Any]:
    """Parses `sqlite:///absolute/path` or `postgres://user:password@host:port/name?sslmode=…`.

    Raises ImproperlyConfigured without the password.
    """
    try:
        address = parse_address(url)
    except InvalidAddress as error:
        raise ImproperlyConfigured(f"The address of a database is not allowed: {error}.") from None
    if address.scheme == "sqlite":
        _make_private(Path(address.path))
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": address.path, "OPTIONS": SQLITE_OPTIONS}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path,
        "USER": address.user,
        "PASSWORD": address.password,
        "HOST": ",".join(host.name for host in address.hosts),
        "PORT": ",".join(str(host.port) for host in address.hosts),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**POSTGRES_OPTIONS, **address.options},
    }


def _make_private(path: Path) -> None:
    """Raises ImproperlyConfigured."""
    try:
        make_private_file(path)
    except OSError as error:
        raise ImproperlyConfigured(f"The database is not allowed: {error}.") from error


def need_package(package: str, variable: str, *, used: bool) -> None:
    """Raises ImproperlyConfigured if the package is used but not installed."""
    if used and not find_spec(package):
        raise ImproperlyConfigured(f"{variable} names a server: install the packages of requirements-cluster.txt.")


def cluster(store_url: str) -> dict[str, dict[str, Any]]:
    """Returns the database alias `cassandra` if the store is on a cluster, else {}. It holds only small tables."""
    if not store_url.startswith("cassandra://"):
        return {}
    from processing.store import cluster_of  # imports much that an embedded installation does not need

    try:
        address = cluster_of(store_url)
    except ValueError as error:
        raise ImproperlyConfigured(f"STORE_URL is not allowed: {error}.") from error
    need_package("django_cassandra_engine", "STORE_URL", used=True)
    options = {
        "replication": {"strategy_class": "NetworkTopologyStrategy", **dict(address.replication)},
        "connection": {
            "port": address.port,
            "lazy_connect": True,
            "retry_connect": True,
            "consistency": LOCAL_QUORUM,
            **({"ssl_context": address.tls} if address.tls else {}),
        },
    }
    entry = {"ENGINE": "django_cassandra_engine", "NAME": address.keyspace, "HOST": ",".join(address.hosts)}
    return {"cassandra": {**entry, "USER": address.user, "PASSWORD": address.password, "OPTIONS": options}}
