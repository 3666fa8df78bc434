"""Reads lines of access logs, in whatever format a server wrote them."""

from collection.log_lines.fields import (
    ABSENT,
    EMPTY_LINE,
    NO_ADDRESS,
    NO_REQUEST,
    NO_TIME,
    OTHER_FORMAT,
    LogFields,
    UnreadableLine,
    unescape,
)
from collection.log_lines.format_strings import UnusableFormat, parse_format
from collection.log_lines.formatted import read_formatted
from collection.log_lines.json_objects import is_object, read_object
from collection.log_lines.plain import layout_of, read_unusual, read_usual
from collection.log_lines.syslog import without_syslog
from collection.log_lines.times import time_ms

__all__ = [
    "ABSENT",
    "EMPTY_LINE",
    "NO_ADDRESS",
    "NO_REQUEST",
    "NO_TIME",
    "OTHER_FORMAT",
    "LogFields",
    "UnreadableLine",
    "UnusableFormat",
    "layout_of",
    "parse_format",
    "read_line",
    "time_ms",
    "unescape",
]


def read_line(text: str, format: str | None = None) -> LogFields:
    """Reads a line by a format string, or without one by what it looks like. Raises UnreadableLine, UnusableFormat."""
    if format is not None:
        return read_formatted(text, format)
    fields = read_usual(text)
    if fields is not None:
        return fields
    text = without_syslog(text)
    return read_object(text) if is_object(text) else read_unusual(text)
