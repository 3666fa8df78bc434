"""Decodes lines of access logs. The body of the hit is the line, as the server wrote it.

A line in a format of one's own has that format in the header FORMAT; without it, `log_lines` knows the format by what
the line looks like. A field that is "-" is absent. The time is not a parameter: the import sets `occurred`, or leaves
it out if the calendar has no such time, which makes the line malformed.
"""

from typing import Final

from collection.hit import RawHit
from collection.log_lines import ABSENT, UnreadableLine, read_line, unescape
from collection.protocols.decoded import REST, Decoded, Protocol, as_text, pairs

PARAMETERS: Final = frozenset(("method", "status", "target", "size", "dl", "dr", "dh"))
FAULT: Final = "fault"  # the import sets this header if it could not read the line
FORMAT: Final = "format"  # ... and this one if it was given a format string


def decode(hit: RawHit) -> Decoded:
    text = as_text(hit.body)
    if hit.occurred is None or FAULT in hit.headers:
        return _malformed(text)
    try:
        fields = read_line(text, hit.headers.get(FORMAT))
    except UnreadableLine:
        return _malformed(text)
    clean = unescape if fields.escaped else str
    target, user_agent = clean(fields.target), fields.user_agent
    event = {"method": fields.method, "status": fields.status, "target": target, "size": fields.size}
    event["dr"] = clean(fields.referrer)
    event = {name: value for name, value in event.items() if value != ABSENT}
    event["dl"] = event.get("target", ABSENT)
    if fields.host:
        event["dh"] = fields.host
    event[REST] = _rest(fields.version, fields.ident, clean(fields.user))
    return Decoded([event], address=fields.address, user_agent="" if user_agent == ABSENT else clean(user_agent))


def _malformed(text: str) -> Decoded:
    return Decoded([{REST: pairs([("line", text)])}], error="malformed")


def _rest(version: str, ident: str, user: str) -> str:
    # Almost every line takes this branch, which needs no encoding.
    if ident == user == ABSENT and version.startswith("HTTP/") and version.isascii() and "&" not in version:
        return f"version={version}"
    fields = (("version", version), ("ident", ident), ("user", user))
    return pairs(field for field in fields if field[1] != ABSENT)


PROTOCOL: Final = Protocol(
    name="access_log",
    decode=decode,
    parameters=PARAMETERS,
    is_server_log=True,
)
