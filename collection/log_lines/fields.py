"""What a line of an access log says, in whatever format it is written."""

import re
from typing import Final

import msgspec

ABSENT: Final = "-"
JSON: Final = "JSON"
REQUEST_WORDS: Final = 3

EMPTY_LINE: Final = "the line is empty"
OTHER_FORMAT: Final = "not in any format that is known"
NO_REQUEST: Final = "the request is not three words: method, target, version"
NO_TIME: Final = "there is no such time"
NO_ADDRESS: Final = "no address of a client"

ESCAPE: Final = re.compile(rb"\\x([0-9A-Fa-f]{2})|\\(.)", re.DOTALL)
ESCAPED_LETTERS: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"b": b"\b"}


class LogFields(msgspec.Struct, gc=False):
    """The fields as they are written; ABSENT where the line has none.

    `address`: the client's, an IP address or the name of a host. `time`: see `times.time_ms`. `extras`: what follows
    the user agent. `host`: the site that was asked for, "" if the line names none. `layout`: the name of the
    format, "" for those of `plain.layout_of`.
    """

    address: str
    ident: str
    user: str
    time: str
    method: str
    target: str
    version: str
    status: str
    size: str
    referrer: str = ABSENT
    user_agent: str = ABSENT
    extras: str = ""
    host: str = ""
    layout: str = ""

    @property
    def escaped(self) -> bool:
        """Whether `unescape` applies to target, referrer, user agent and user."""
        return self.layout != JSON


class UnreadableLine(ValueError):
    """Its text says why. `time`: the time of the line, "" if it has none."""

    def __init__(self, cause: str, time: str = "") -> None:
        super().__init__(cause)
        self.time = time


def split_request(request: str) -> tuple[str, str, str] | None:
    """Splits `GET /a HTTP/1.1` into method, target and version, None for anything else.

    The target may contain spaces if a version follows: some servers write them as they were sent.
    """
    method, _, rest = request.strip(" ").partition(" ")
    target, _, version = rest.rpartition(" ")
    target = target.strip(" ")
    if not target or (" " in target and not version.startswith("HTTP/")):
        return None
    return method, target, version


def unescape(text: str) -> str:
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
