r"""Reads the lines that Apache and nginx write without a format of one's own, and lines of the same make.

    ADDRESS IDENT USER [TIME] "METHOD TARGET VERSION" STATUS SIZE "REFERRER" "USER AGENT" EXTRAS

The quoted fields after the size may be missing, a site may stand before the address, and what follows the user agent is
not used. Quoted fields have their quotation marks escaped; where a server leaves them bare, the line is read if there
is one way only to read it. No pattern here can backtrack: parts that repeat cannot match what follows them.
"""

import re
from typing import Final, NamedTuple

from collection.log_lines.client_address import find_address, find_site, has_port, is_address, is_host, is_private
from collection.log_lines.fields import (
    ABSENT,
    EMPTY_LINE,
    NO_ADDRESS,
    NO_REQUEST,
    OTHER_FORMAT,
    LogFields,
    UnreadableLine,
    split_request,
)
from collection.log_lines.times import SERVER_TIME

_QUOTED: Final = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_EXTRA: Final = r'(?:[^\s"]++(?:"[^"\\]*(?:\\.[^"\\]*)*")?|"[^"\\]*(?:\\.[^"\\]*)*")'
_NUMBERS: Final = r"[ \t]+([0-9]{3})[ \t]+([0-9]+|-)"
_AGENT: Final = rf"(?:[ \t]+{_QUOTED}[ \t]+{_QUOTED}((?:[ \t]+{_EXTRA})*+))"
_END: Final = r"[ \t\r\n]*"

# Almost every line matches this, with the fields of LogFields as its groups.
_BARE: Final = r'([^ "\\]++)'
_ESCAPED: Final = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_TARGET: Final = r'([^ "\\]*+(?:\\[^ ][^ "\\]*+)*+)'
USUAL: Final = re.compile(
    rf'([^ ]++) ([^ ]++) ([^ ]++) \[({SERVER_TIME})\] "{_BARE} {_TARGET} {_BARE}" ([0-9]{{3}}) ([0-9]++|-)'
    rf"(?: {_ESCAPED} {_ESCAPED}((?: {_EXTRA})*+))?{_END}",
    re.DOTALL,
)
TIME: Final = re.compile(rf"\[({SERVER_TIME})\](?=[ \t]+\")")
REST: Final = re.compile(rf'[ \t]+{_QUOTED}{_NUMBERS}(?:{_AGENT}|((?:[ \t]+[^\s"]++)*+)){_END}', re.DOTALL)

ESCAPE: Final = re.compile(r"\\.", re.DOTALL)
REQUEST_END: Final = re.compile(rf'(?<=HTTP/[0-9.]{{3}})"{_NUMBERS}(?=[ \t])|(?<=HTTP/[0-9])"{_NUMBERS}(?=[ \t])')
AGENT: Final = re.compile(rf"{_AGENT}{_END}", re.DOTALL)
BETWEEN_QUOTED: Final = re.compile(r'"[ \t]+"')
BARE_EXTRAS: Final = re.compile(r'(?:[ \t]+[^\s"]++)*+[ \t]*')
# Of a text read backwards: it ends with a quoted field, and before that one another could end.
ENDS_TWICE: Final = re.compile(r'(?:[^\s"]+[ \t]+)*+"[^"]*"[ \t]+(?:[^\s"]+[ \t]+)*+"')

CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]+")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
NO_CLIENT: Final = (ABSENT, "unknown", "unix:")
FORWARDED: Final = re.compile(r'[ \t]+"([0-9A-Fa-f.:, \[\]]+)"')


class Head(NamedTuple):
    """What stands before the time."""

    host: str
    address: str
    ident: str
    user: str


def read_usual(text: str) -> LogFields | None:
    """Returns None for a line that takes more time to read, or that cannot be read."""
    match = USUAL.fullmatch(text)
    if match is None:
        return None
    fields = LogFields(*match.groups(ABSENT))
    if not is_address(fields.address):
        return None
    return fields if len(fields.extras) < 2 else _behind_proxy(fields)


def read_unusual(text: str) -> LogFields:
    """Raises UnreadableLine."""
    # A server that lost its power leaves zeros, between the beginning of one line and the whole of another.
    text = text.rstrip("\0\r\n").rpartition("\0")[2]
    time = TIME.search(text)
    if time is None:
        raise UnreadableLine(OTHER_FORMAT if text.strip() else EMPTY_LINE)
    request, status, size, referrer, user_agent, extras = _tail(text[time.end() :])
    words = split_request(request)
    if words is None:
        raise UnreadableLine(NO_REQUEST, time[1])
    pieces = CONTROL.split(COLOUR.sub("", text[: time.start()]))
    forwarded = FORWARDED.match(extras)
    heads = (_head(piece, forwarded[1] if forwarded else "") for piece in reversed(pieces))
    head = next(filter(None, heads), None)
    if head is None:
        raise UnreadableLine(NO_ADDRESS, time[1])
    host, address, ident, user = head
    return _behind_proxy(
        LogFields(address, ident, user, time[1], *words, status, size, referrer, user_agent, extras, host)
    )


def layout_of(fields: LogFields) -> str:
    """Returns the name of the format in which the line is written."""
    name = "common" if fields.referrer == fields.user_agent == ABSENT else "combined"
    name = "vhost_combined" if fields.host else name
    return f"{name} with further fields" if fields.extras.strip(" -") else name


def _tail(text: str) -> tuple[str, str, str, str, str, str]:
    """Returns request, status, size, referrer, user agent and extras."""
    match = REST.fullmatch(text)
    if match is None:
        return _loose_tail(text)
    request, status, size, referrer, user_agent, extras, bare = match.groups()
    return request, status, size, referrer or ABSENT, user_agent or ABSENT, extras or bare or ""


def _loose_tail(text: str) -> tuple[str, str, str, str, str, str]:
    """Reads fields with bare quotation marks. Raises UnreadableLine if there is not exactly one way to do so."""
    plain = ESCAPE.sub("..", text)  # of the same length, so that positions are those of the text
    start = plain.find('"') + 1
    ends = list(REQUEST_END.finditer(f"{plain} "))
    if len(ends) != 1:
        raise UnreadableLine(OTHER_FORMAT)
    (end,) = ends
    if TIME.search(text, start, end.start()):
        raise UnreadableLine(OTHER_FORMAT)  # two lines, the first of which broke off
    referrer, user_agent, extras = _loose_agent(text[end.end() :], plain[end.end() :])
    return text[start : end.start()], end[1] or end[3], end[2] or end[4], referrer, user_agent, extras


def _loose_agent(text: str, plain: str) -> tuple[str, str, str]:
    r"""Splits ` "REFERRER" "USER AGENT" EXTRAS`, of which `plain` has no escapes.

    ` "-" "a "b" c" 7` can be read in one way: the user agent is `a "b" c`. ` "-" "a"b" "c"` cannot: the user agent may
    be `a"b`, with a further field `c`, or `a"b" "c`.
    """
    match = AGENT.fullmatch(text)
    if match is not None:
        return match[1], match[2], match[3]
    if BARE_EXTRAS.fullmatch(text):
        return ABSENT, ABSENT, text.rstrip()
    start, end = plain.find('"') + 1, plain.rfind('"')
    between = list(BETWEEN_QUOTED.finditer(plain))
    if len(between) != 1 or plain[: start - 1].strip(" \t") or not BARE_EXTRAS.fullmatch(plain, end + 1):
        raise UnreadableLine(OTHER_FORMAT)
    (middle,) = between
    if not start <= middle.start() < middle.end() <= end or ENDS_TWICE.match(plain[middle.end() : end + 1][::-1]):
        raise UnreadableLine(OTHER_FORMAT)
    return text[start : middle.start()], text[middle.end() : end], text[end + 1 :].rstrip()


def _head(text: str, forwarded: str) -> Head | None:
    """Splits `[HOST] ADDRESS IDENT USER`. A user may contain spaces. Returns None if there is no address.

    `forwarded` holds the address if the first field names no client, as for a proxy that came over a Unix socket.
    """
    words = text.split()
    count = _count_list(words)
    first, rest = " ".join(words[:count]), words[count:]
    address = find_address(first)
    host = ""
    if rest and _is_site(first, address, rest):
        host, first, rest = find_site(first), rest[0], rest[1:]
        address = find_address(first)
    if first in NO_CLIENT:
        address = find_address(forwarded)
    if address is None and not is_host(first):
        return None
    ident, user = (rest[0], " ".join(rest[1:])) if len(rest) > 1 else (ABSENT, " ".join(rest))
    if len(user) > 1 and user[0] == user[-1] == '"':
        user = user[1:-1]
    return Head(host, address or first, ident, user or ABSENT)


def _count_list(words: list[str]) -> int:
    """Returns how many words the first field has: `198.51.100.7, 10.0.0.1` has two."""
    count = min(1, len(words))
    while 0 < count < len(words) and words[count - 1].endswith(","):
        if not words[count].endswith(",") and find_address(words[count]) is None:
            break
        count += 1
    return count


def _is_site(first: str, address: str | None, rest: list[str]) -> bool:
    """Returns whether the first field is the site that was asked for, and the client's address comes after it.

    Sites may be addresses, too: `192.0.2.1:80 198.51.100.7 - -` has one, `198.51.100.7 - -` has not.
    """
    client = find_address(rest[0])
    if address is None:
        return client is not None or (has_port(first) and (is_host(rest[0]) or rest[0] in NO_CLIENT))
    if client is None or len(rest) < 3:
        return False
    return has_port(first) or (rest[1] == ABSENT and (is_private(address) or not is_private(client)))


def _behind_proxy(fields: LogFields) -> LogFields:
    """Replaces the address of a proxy in a private network by the one that it forwarded, as in nginx's `main`."""
    if is_private(fields.address) and (forwarded := FORWARDED.match(fields.extras)):
        fields.address = find_address(forwarded[1]) or fields.address
    return fields
