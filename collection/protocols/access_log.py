"""Lines of Apache's and nginx's access logs, formats *common* and *combined*: the body of the hit is the line.

A field that is "-" is absent. The line's time is not among the parameters: whoever imports it sets `occurred`, and
leaves it out where the calendar has no such time, which makes the line malformed.
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
LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"b": b"\b"}


FAULT: Final = "fault"  # a header of hits that the import could not read, so that all agree on it


def decode(hit: RawHit) -> Decoded:
    text = as_text(hit.body)
    found = LINE.fullmatch(text)
    if found is None or hit.occurred is None or FAULT in hit.headers:
        return _malformed(text)
    address, ident, user, request, status, size, referrer, user_agent = found.groups(default=ABSENT)
    words = [word for word in request.split(" ") if word]
    if len(words) != REQUEST_WORDS:
        return _malformed(text)
    method, target, version = words
    event = {"method": method, "status": status, "target": _plain(target), "size": size, "dr": _plain(referrer)}
    event = {name: value for name, value in event.items() if value != ABSENT}
    event["dl"] = event.get("target", ABSENT)
    event[REST] = _rest(version, ident, user)
    return Decoded([event], address=address, user_agent="" if user_agent == ABSENT else _plain(user_agent))


def _malformed(text: str) -> Decoded:
    return Decoded([{REST: pairs([("line", text)])}], error="malformed")


def _rest(version: str, ident: str, user: str) -> str:
    if ident == user == ABSENT and version.startswith("HTTP/") and version.isascii() and "&" not in version:
        return f"version={version}"
    named = (("version", version), ("ident", ident), ("user", user))
    return pairs(item for item in named if item[1] != ABSENT)


def _plain(text: str) -> str:
    r"""Without the servers' escapes: `\"`, `\\`, `\x22`. Text whose bytes are then not UTF-8 keeps them."""
    if "\\" not in text:
        return text
    try:
        return ESCAPE.sub(_unescaped, text.encode()).decode()
    except UnicodeDecodeError:
        return text


def _unescaped(found: re.Match[bytes]) -> bytes:
    code, letter = found.groups()
    return bytes([int(code, 16)]) if code else LETTERS.get(letter, letter)


PROTOCOL: Final = Protocol(
    name="access_log",
    decode=decode,
    parameters=PARAMETERS,
    is_server_log=True,
)
