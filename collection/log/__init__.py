"""One function: which log, is said by its address."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from collection.log.embedded import EmbeddedLog
from collection.log.port import BeyondEnd, CorruptLog, Entry, Log, LogError, LogUnavailable, Trimmed

__all__ = ["BeyondEnd", "CorruptLog", "Entry", "Log", "LogError", "LogUnavailable", "Trimmed", "open_log"]


def open_log(url: str) -> Log:
    """`sqlite:///absolute/folder` is the embedded log, made if it is not there.

    Raises ValueError for an address of no known kind, LogUnavailable if the log cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and len(parts.path) > 1:
        return EmbeddedLog(Path(unquote(parts.path)))
    raise ValueError(f"not the address of a log: {url!r}; expected sqlite:///absolute/folder")
