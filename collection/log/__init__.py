"""Which log, is said by its address."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from collection.log.embedded.log import EmbeddedLog
from collection.log.port import BeyondEnd, CorruptLog, Log, LogEntry, LogError, LogUnavailable, Spills, Trimmed

__all__ = [
    "BeyondEnd",
    "CorruptLog",
    "LogEntry",
    "Log",
    "LogError",
    "LogUnavailable",
    "Spills",
    "Trimmed",
    "open_log",
    "open_log_that_spills",
    "set_up_log",
]

KAFKA: Final = re.compile(r"kafka://([\w.-]+:\d+(?:,[\w.-]+:\d+)*)(?:/([\w.-]{1,249})?)?", re.ASCII)
TOPIC: Final = "hits"
SLOW_S: Final = 3.0  # what a collector waits for the log before it spills


def open_log(url: str) -> Log:
    """`sqlite:///absolute/folder` is the embedded log, made if it is not there.

    `kafka://host:port,host:port/topic` is a topic of Kafka, `hits` if it is not named; connects when it is first used.
    Raises ValueError for an address of no known kind, LogUnavailable if the log cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return EmbeddedLog(Path(unquote(parts.path)))
    if found := KAFKA.fullmatch(url):
        from collection.log.kafka.log import KafkaLog  # its driver is installed for clusters only

        return KafkaLog(found[1], found[2] or TOPIC)
    raise ValueError(
        f"not the address of a log: {url!r}; expected sqlite:///absolute/folder or kafka://host:port,host:port/topic"
    )


def open_log_that_spills(url: str, folder: Path) -> Log:
    """The same log, for a collector: while it is away hits are kept in the folder, or where another collector has that
    one, in the next: `folder-2`, `folder-3`, ….

    The embedded log is never away: its disk is this one. Raises what `open_log` raises.
    """
    if found := KAFKA.fullmatch(url):
        from collection.log.kafka.log import KafkaLog
        from collection.log.spill.folders import SharedSpillingLog

        return SharedSpillingLog(lambda: KafkaLog(found[1], found[2] or TOPIC, limit_s=SLOW_S), folder)
    return open_log(url)


def set_up_log(url: str, partitions: int, copies: int | None = None) -> list[str]:
    """Make the log ready for use, whatever is there already; says in sentences what was done and what is not safe.

    Without `copies` there are as many as brokers, 3 at most.

    Raises ValueError, LogUnavailable. The embedded log has one partition on one disk, whatever is asked for.
    """
    if found := KAFKA.fullmatch(url):
        from collection.log.kafka.log import set_up

        return set_up(found[1], found[2] or TOPIC, partitions, copies)
    open_log(url).close()
    return ["The embedded log needs no more than its folder, which is there."]
