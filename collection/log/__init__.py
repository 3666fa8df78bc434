"""Opens the log that LOG_URL selects."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from collection.log.embedded.log import EmbeddedLog
from collection.log.port import (
    BeyondEnd,
    CorruptLog,
    Expected,
    Log,
    LogEntry,
    LogError,
    LogUnavailable,
    Spills,
    Trimmed,
    WrongLog,
    any_log,
    check_identity,
)
from configuration.addresses import Address, parse_address

if TYPE_CHECKING:
    from collection.log.kafka.log import KafkaLog

__all__ = [
    "BeyondEnd",
    "CorruptLog",
    "LogEntry",
    "Log",
    "LogError",
    "LogUnavailable",
    "Spills",
    "Trimmed",
    "WrongLog",
    "check_log",
    "known_id",
    "open_log",
    "open_log_that_spills",
    "set_up_log",
]

TOPIC: Final = "hits"
SPILL_AFTER_S: Final = 3.0  # a collector waits this long for the log before it spills


def open_log(url: str, expected: Expected = any_log, *, timeout_s: float | None = None) -> Log:
    """Opens the log at this address.

    `sqlite:///absolute/folder`: the embedded log, created if it does not exist.
    `kafka://host:port,host:port/topic`: a topic of Kafka, by default `hits`; connects at first use, and waits
    `timeout_s` for an answer (None: 10 s). It must be the log whose id `expected` returns, see `port.Expected`.
    Raises ValueError for any other address, LogUnavailable if the log cannot be opened.
    """
    address = _address(url)
    if address.scheme == "kafka":
        return _kafka(address, expected, timeout_s)
    log = EmbeddedLog(Path(address.path))
    try:
        check_identity(log.id, expected)
    except WrongLog:
        log.close()
        raise
    return log


def open_log_that_spills(url: str, folder: Path) -> Log:
    """Opens the log for a collector: while it is unavailable or slow, hits are kept in the folder.

    If another collector uses the folder, the next free one is taken: `folder-2`, `folder-3`, ….
    The embedded log does not spill: its disk is this one. Raises the same errors as `open_log`.
    """
    address = _address(url)
    if address.scheme != "kafka":
        return open_log(url)
    from collection.log.spill.folders import SharedSpillingLog

    return SharedSpillingLog(lambda: _kafka(address, any_log, SPILL_AFTER_S), folder)


def check_log(url: str, copies: int | None = None) -> None:
    """Raises LogUnavailable if the log cannot be set up with so many copies; changes nothing."""
    address = _address(url)
    if address.scheme == "kafka":
        from collection.log.kafka.setup import check

        check(address, address.path or TOPIC, copies)


def known_id(url: str) -> str:
    """Returns the id of the log, "" if it is not there yet; makes nothing. Raises ValueError, LogUnavailable."""
    address = _address(url)
    if address.scheme == "kafka":
        from collection.log.kafka.setup import known_id as on_kafka

        return on_kafka(address, address.path or TOPIC)
    return open_log(url).id if Path(address.path).exists() else ""


def set_up_log(url: str, partitions: int, copies: int | None = None) -> list[str]:
    """Creates the log, or brings an existing one up to date. Returns sentences: changes made, and what is not safe.

    `copies` is by default the number of brokers, at most 3. The embedded log ignores both numbers: it has one partition
    on one disk. Raises ValueError, LogUnavailable.
    """
    address = _address(url)
    if address.scheme == "kafka":
        from collection.log.kafka.setup import set_up

        return set_up(address, address.path or TOPIC, partitions, copies)
    open_log(url).close()
    return ["The embedded log needs only its folder, which exists."]


def _address(url: str) -> Address:
    """Raises ValueError."""
    return parse_address(url, ("sqlite", "kafka"), of="a log")


def _kafka(address: Address, expected: Expected, timeout_s: float | None) -> "KafkaLog":
    from collection.log.kafka.connection import security  # the driver is installed for clusters only
    from collection.log.kafka.log import TIMEOUT_S, KafkaLog

    servers, topic = ",".join(map(str, address.hosts)), address.path or TOPIC
    return KafkaLog(servers, topic, security=security(address), expected=expected, timeout_s=timeout_s or TIMEOUT_S)
