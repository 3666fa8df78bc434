"""Decodes lines of Apache's and nginx's access logs, formats *common* and *combined*. The body of the hit is the line.

A field that is "-" is absent. The time is not a parameter: the import (`collection.access_logs.lines`) sets `occurred`,
or leaves it out if the calendar has no such time, which makes the line malformed.
"""

import re
from typing import Final

from collection.hit import RawHit
from collection.protocols.decoded import REST, Decoded, Protocol, as_text, pairs

PARAMETERS: Final = frozenset(("method", "status", "target", "size", "dl", "dr"))
ABSENT: Final = "-"
REQUEST_WORDS: Final = 3

_MONTH: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_TIME: Final = rf"[0-3][0-9]/(?:{_MONTH})/[0-9]{{4}}:[0-2][0-9]:[0-5][0-9]:[0-6][0-9] [+-][0-9]{{4}}"
_QUOTED: Final = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
LINE: Final = re.compile(
    rf"(\S+) (\S+) (\S+) \[{_TIME}\] {_QUOTED} ([0-9]{{3}}) ([0-9]+|-)(?: {_QUOTED} {_QUOTED})?[ \r\n]*", re.DOTALL
)
ESCAPE: Final = re.compile(rb"\\x([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
ESCAPED_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"b": b"\b"}
FAULT: Final = "fault"  # the import sets this header if it could not read the line


def decode(hit: RawHit) -> Decoded:
    text = as_text(hit.body)
    match = LINE.fullmatch(text)
    if match is None or hit.occurred is None or FAULT in hit.headers:
        return _malformed(text)
    address, ident, user, request, status, size, referrer, user_agent = match.groups(default=ABSENT)
    words = [word for word in request.split(" ") if word]
    if len(words) != REQUEST_WORDS:
        return _malformed(text)
    method, target, version = words
    event = {"method": method, "status": status, "target": _unescape(target), "size": size, "dr": _unescape(referrer)}
    event = {name: value for name, value in event.items() if value != ABSENT}
    event["dl"] = event.get("target", ABSENT)
    event[REST] = _rest(version, ident, user)
    return Decoded([event], address=address, user_agent="" if user_agent == ABSENT else _unescape(user_agent))


def _malformed(text: str) -> Decoded:
    return Decoded([{REST: pairs([("line", text)])}], error="malformed")


def _rest(version: str, ident: str, user: str) -> str:
    # Almost every line takes this branch, which needs no encoding.
    if ident == user == ABSENT and version.startswith("HTTP/") and version.isascii() and "&" not in version:
        return f"version={version}"
    fields = (("version", version), ("ident", ident), ("user", user))
    return pairs(field for field in fields if field[1] != ABSENT)


def _unescape(text: str) -> str:
    r"""Replaces escapes such as `\"`, `\\` and `\x22`. Returns the text unchanged if the result is not UTF-8."""
    if "\\" not in text:
        return text
    try:
        return ESCAPE.sub(_unescaped_byte, text.encode()).decode()
    except UnicodeDecodeError:
        return text


def _unescaped_byte(escape: re.Match[bytes]) -> bytes:
    code, letter = escape.groups()
    return bytes([int(code, 16)]) if code else ESCAPED_LETTERS.get(letter, letter)


PROTOCOL: Final = Protocol(
    name="access_log",
    decode=decode,
    parameters=PARAMETERS,
    is_server_log=True,
)
