r"""Reads lines that are JSON objects, by the usual names of their fields: of nginx, Apache, Caddy, Traefik and others.

Names are compared without capitals and signs, those of inner objects behind that of the outer one:
`{"request": {"remote_ip": "192.0.2.1"}}` is `requestremoteip`. The first name of a list that has a value is taken.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from collection.log_lines.client_address import find_address, find_site, is_host, is_private
from collection.log_lines.fields import (
    ABSENT,
    JSON,
    NO_ADDRESS,
    NO_REQUEST,
    NO_TIME,
    OTHER_FORMAT,
    LogFields,
    UnreadableLine,
    split_request,
    unescape,
)

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "address": (
        *("requestclientip", "requestremoteip", "clientip", "clientaddress", "remoteaddr", "remoteip", "remoteaddress"),
        *(
            "clienthost",
            "clientaddr",
            "requestremoteaddr",
            "remotehost",
            "remote",
            "client",
            "ip",
            "sourceip",
            "h",
            "a",
        ),
        *("httprequestremoteip", "sourceaddress", "clientaddressip", "rip", "cip"),
    ),
    "forwarded": ("httpxforwardedfor", "xforwardedfor", "forwardedfor", "requestxforwardedfor", "httpxrealip"),
    "user": ("remoteuser", "clientusername", "user", "username", "userid", "authuser"),
    "time": (
        *("timeiso8601", "timelocal", "startutc", "startlocal", "timestamp", "time", "msec", "ts", "datetime", "t"),
        *("requesttimestamp", "eventtime", "startedat", "date"),
    ),
    "request": ("request", "requestline", "r", "requestfirstline"),
    "method": ("requestmethod", "method", "httprequestmethod", "verb", "httpmethod", "httprequestrequestmethod", "m"),
    "target": (
        *("requesturi", "requestpath", "uri", "requesturl", "httprequestrequesturl", "urloriginal", "url", "urlpath"),
        *("path", "uripath", "target", "httprequesturl", "u"),
    ),
    "query": ("args", "querystring", "requestquery", "query", "urlquery", "q"),
    "version": ("serverprotocol", "requestprotocol", "requestproto", "protocol", "httpversion", "proto"),
    "status": (
        *("status", "downstreamstatus", "statuscode", "responsestatus", "httpresponsestatuscode", "responsecode"),
        *("httprequeststatus", "response", "responsestatuscode", "originstatus", "httpstatus", "code", "s"),
    ),
    "size": (
        *("bodybytessent", "bytessent", "downstreamcontentsize", "size", "bytes", "responsesize", "responsebytes"),
        *("httpresponsebodybytes", "httprequestresponsesize", "bytesout", "contentlength", "b"),
    ),
    "referrer": (
        *("httpreferer", "httpreferrer", "referer", "referrer", "requestheadersreferer", "requestreferer"),
        *("httprequestreferrer", "httprequestreferer"),
    ),
    "user_agent": (
        *("httpuseragent", "useragent", "requestheadersuseragent", "requestuseragent", "useragentoriginal", "agent"),
        *("httprequestuseragent",),
    ),
    "host": (
        *(
            "requesthost",
            "httphost",
            "host",
            "vhost",
            "virtualhost",
            "servername",
            "urldomain",
            "v",
            "requestheadershost",
        ),
    ),
}
OBJECT: Final = re.compile(r"[\s\x00-\x1f\ufeff]*\{")
SIGNS: Final = re.compile(r"[^a-z0-9]+")
SERVER_ESCAPE: Final = re.compile(r'\\(?:x(?=[0-9A-Fa-f]{2})|["\\/bfnrtu]|)')
MAX_DEPTH: Final = 4
LONGEST_NUMBER: Final = 40

is_object = OBJECT.match
is_status = re.compile("[0-9]{3}").fullmatch


def read_object(text: str) -> LogFields:
    """Raises UnreadableLine."""
    values = _decode(text.strip("\0 \t\r\n\ufeff"))
    found = {field: _first(values, names) for field, names in NAMES.items()}
    request = split_request(found["request"]) or _join_request(found)
    if not found["status"] and not request:
        raise UnreadableLine(OTHER_FORMAT)
    found["time"] = found["time"].strip("[]")
    if request is None or not is_status(found["status"]):
        raise UnreadableLine(NO_REQUEST, found["time"])
    if not found["time"]:
        raise UnreadableLine(NO_TIME)
    address = _client(found["address"], found["forwarded"])
    if address is None:
        raise UnreadableLine(NO_ADDRESS, found["time"])
    size, referrer, user_agent, user = (found[name] or ABSENT for name in ("size", "referrer", "user_agent", "user"))
    time, status, host = found["time"], found["status"], find_site(found["host"])
    return LogFields(address, ABSENT, user, time, *request, status, size, referrer, user_agent, host=host, layout=JSON)


def _decode(text: str) -> dict[str, str]:
    r"""Returns the values by name. Escapes such as `\x22` are the server's and none of JSON's, so they come second."""
    try:
        return dict(_flat(msgspec.json.decode(text)))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        pass
    try:
        parsed = msgspec.json.decode(SERVER_ESCAPE.sub(_doubled, text))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise UnreadableLine(OTHER_FORMAT) from error
    return {name: unescape(value) for name, value in _flat(parsed)}


def _doubled(escape: re.Match[str]) -> str:
    return escape[0] if len(escape[0]) == 2 and escape[0] != r"\x" else "\\" + escape[0]


def _flat(parsed: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yields names and texts; of a list, its first value. What is deeper than MAX_DEPTH is left out."""
    if isinstance(parsed, dict) and depth < MAX_DEPTH:
        for key, value in parsed.items():
            yield from _flat(value, name + SIGNS.sub("", key.lower()), depth + 1)
    elif isinstance(parsed, list) and parsed and depth < MAX_DEPTH:
        yield from _flat(parsed[0], name, depth + 1)
    elif isinstance(parsed, str) and parsed not in ("", ABSENT):
        yield name, parsed
    elif isinstance(parsed, int | float) and not isinstance(parsed, bool):
        number = _number(parsed)
        if number:
            yield name, number


def _number(value: float) -> str:
    """Writes a number without an exponent; "" if it is longer than any that a log has."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**LONGEST_NUMBER else ""
    return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 10**LONGEST_NUMBER else ""


def _first(values: dict[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if name in values), "")


def _join_request(found: dict[str, str]) -> tuple[str, str, str] | None:
    # Apache's own example calls the path "request".
    method, target, query = found["method"], found["target"] or found["request"], found["query"].lstrip("?")
    if not method or not target:
        return None
    if query and "?" not in target:
        target = f"{target}?{query}"
    return method, target, found["version"] or ABSENT


def _client(address: str, forwarded: str) -> str | None:
    found = find_address(address)
    if found is None or is_private(found):
        found = find_address(forwarded) or found
    return found or (address if is_host(address) else None)
