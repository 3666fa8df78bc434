"""Reads lines in a format that was given as a format string."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from collection.log_lines.client_address import find_address, find_site, is_host, is_private
from collection.log_lines.fields import (
    ABSENT,
    EMPTY_LINE,
    NO_ADDRESS,
    NO_REQUEST,
    LogFields,
    UnreadableLine,
    split_request,
)
from collection.log_lines.format_strings import parse_format

LAYOUT: Final = "--format"
NOT_THIS_FORMAT: Final = "not in the format that was given"
LONGEST_TIME: Final = 100

is_status: Final = re.compile("[0-9]{3}").fullmatch


def read_formatted(text: str, format: str) -> LogFields:
    """Raises UnreadableLine, and UnusableFormat for a format that `parse_format` refuses."""
    line_format = parse_format(format)
    text = text.rstrip("\0\r\n").rpartition("\0")[2]
    match = line_format.pattern.fullmatch(text)
    if match is None:
        raise UnreadableLine(NOT_THIS_FORMAT if text.strip() else EMPTY_LINE)
    found = _found(line_format.names, match.groups())
    time = _time(found.get("time", ""), line_format.time_format)
    request = split_request(found["request"]) if "request" in found else _join_request(found)
    if request is None or not is_status(found.get("status", "")):
        raise UnreadableLine(NO_REQUEST, time)
    address = _client(found.get("address", ""), found.get("forwarded", ""))
    if address is None:
        raise UnreadableLine(NO_ADDRESS, time)
    ident, user, size, referrer, user_agent = (
        found.get(name, ABSENT) for name in ("ident", "user", "size", "referrer", "user_agent")
    )
    status, host = found["status"], find_site(found.get("host", ""))
    return LogFields(address, ident, user, time, *request, status, size, referrer, user_agent, host=host, layout=LAYOUT)


def _found(names: tuple[str, ...], values: tuple[str, ...]) -> dict[str, str]:
    """Returns the fields that have a value. The parts of a time are joined by spaces."""
    found: dict[str, str] = {}
    for name, value in zip(names, values, strict=True):
        text = value.strip()
        if text in ("", ABSENT):
            continue
        found[name] = f"{found[name]} {text}" if name == "time" and name in found else found.get(name, text)
    return found


def _join_request(found: dict[str, str]) -> tuple[str, str, str] | None:
    method, target = found.get("method", ""), found.get("target", "") or found.get("path", "")
    if not method or not target:
        return None
    query = found.get("query", "").lstrip("?") or found.get("args", "")
    if query and "?" not in target:
        target = f"{target}?{query}"
    return method, target, found.get("version", ABSENT)


def _client(address: str, forwarded: str) -> str | None:
    found = find_address(address)
    if found is None or is_private(found):
        found = find_address(forwarded) or found
    return found or (address if is_host(address) else None)


def _time(text: str, time_format: str) -> str:
    """Returns a time that `times.time_ms` reads."""
    return _parsed_time(text, time_format) if time_format and len(text) <= LONGEST_TIME else text


@lru_cache(4096)
def _parsed_time(text: str, time_format: str) -> str:
    try:
        time = datetime.strptime(text, time_format)  # noqa: DTZ007 - the zone is that of the format
    except (ValueError, re.error):
        return ""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()
