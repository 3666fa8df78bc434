"""Opens the log that LOG_URL selects."""

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
SPILL_AFTER_S: Final = 3.0  # a collector waits this long for the log before it spills


def open_log(url: str) -> Log:
    """Opens the log at this address.

    `sqlite:///absolute/folder`: the embedded log, created if it does not exist.
    `kafka://host:port,host:port/topic`: a topic of Kafka, by default `hits`; connects at first use.
    Raises ValueError for any other address, LogUnavailable if the log cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return EmbeddedLog(Path(unquote(parts.path)))
    if kafka := KAFKA.fullmatch(url):
        from collection.log.kafka.log import KafkaLog  # its driver is installed for clusters only

        return KafkaLog(kafka[1], kafka[2] or TOPIC)
    raise ValueError(
        f"not the address of a log: {url!r}; expected sqlite:///absolute/folder or kafka://host:port,host:port/topic"
    )


def open_log_that_spills(url: str, folder: Path) -> Log:
    """Opens the log for a collector: while it is unavailable or slow, hits are kept in the folder.

    If another collector uses the folder, the next free one is taken: `folder-2`, `folder-3`, ….
    The embedded log does not spill: its disk is this one. Raises the same errors as `open_log`.
    """
    if kafka := KAFKA.fullmatch(url):
        from collection.log.kafka.log import KafkaLog
        from collection.log.spill.folders import SharedSpillingLog

        return SharedSpillingLog(lambda: KafkaLog(kafka[1], kafka[2] or TOPIC, timeout_s=SPILL_AFTER_S), folder)
    return open_log(url)


def set_up_log(url: str, partitions: int, copies: int | None = None) -> list[str]:
    """Creates the log, or brings an existing one up to date. Returns sentences: changes made, and what is not safe.

    `copies` is by default the number of brokers, at most 3. The embedded log ignores both numbers: it has one partition
    on one disk. Raises ValueError, LogUnavailable.
    """
    if kafka := KAFKA.fullmatch(url):
        from collection.log.kafka.log import set_up

        return set_up(kafka[1], kafka[2] or TOPIC, partitions, copies)
    open_log(url).close()
    return ["The embedded log needs only its folder, which exists."]
