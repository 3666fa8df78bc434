r"""Makes a pattern of the format string of an Apache or nginx configuration.

    %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"
    $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"

A field ends where the text after it in the format begins, in quotation marks at the first that is not escaped. So a
line is read from left to right in one way, in time that grows with its length.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from collection.log_lines.fields import REQUEST_WORDS

LONGEST: Final = 4096

PROXY_HEADERS: Final = (
    "x-forwarded-for",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "forwarded",
)
APACHE: Final = {
    "h": "address",
    "a": "address",
    "l": "ident",
    "u": "user",
    "r": "request",
    "m": "method",
    "U": "path",
    "q": "query",
    "H": "version",
    "s": "status",
    "b": "size",
    "B": "size",
    "O": "size",
    "v": "host",
    "V": "host",
}
APACHE_HEADERS: Final = {
    "referer": "referrer",
    "user-agent": "user_agent",
    "host": "host",
    **dict.fromkeys(PROXY_HEADERS, "forwarded"),
}
NGINX: Final = {
    "remote_addr": "address",
    "remote_user": "user",
    "request": "request",
    "request_method": "method",
    "request_uri": "target",
    "uri": "path",
    "document_uri": "path",
    "args": "args",
    "query_string": "args",
    "is_args": "mark",
    "server_protocol": "version",
    "status": "status",
    "body_bytes_sent": "size",
    "bytes_sent": "bytes",
    "http_referer": "referrer",
    "http_user_agent": "user_agent",
    "host": "host",
    "http_host": "host",
    "server_name": "host",
    "time_local": "time",
    "time_iso8601": "time",
    "msec": "time",
    **{f"http_{name.replace('-', '_')}": "forwarded" for name in PROXY_HEADERS},
    "proxy_add_x_forwarded_for": "forwarded",
    "proxy_protocol_addr": "forwarded",
}
UNITS: Final = ("sec", "msec", "usec")  # of Apache's %{…}t, and their fractions

APACHE_FIELD: Final = re.compile(r"%[!,0-9]*[<>]?(?:\{([^}]*)\})?(\^[A-Za-z]{2}|[A-Za-z]|%)")
NGINX_FIELD: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
APACHE_DIRECTIVE: Final = re.compile(
    r'\s*(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)".*', re.DOTALL | re.IGNORECASE
)
NGINX_DIRECTIVE: Final = re.compile(r"\s*log_format\s+\S+\s+(?:escape=\w+\s+)?(.*?)\s*;?\s*", re.DOTALL)
NGINX_PART: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_COMBINED: Final = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
NICKNAMES: Final = {
    "common": '%h %l %u %t "%r" %>s %b',
    "combined": _COMBINED,
    "combinedio": f"{_COMBINED} %I %O",
    "vhost_combined": f"%v:%p {_COMBINED}",
    "main": f'{_COMBINED} "%{{X-Forwarded-For}}i"',
}
QUOTED: Final = r"(?:[^\"\\]|\\.)*+"
BLANKS: Final = re.compile(" +")


NEEDED: Final = {
    "the client's address (%h, $remote_addr)": ("address", "forwarded"),
    "the time (%t, $time_local)": ("time",),
    "the request (%r, $request)": ("request", "target", "path"),
    "the status (%>s, $status)": ("status",),
}
SHORT_TIMES: Final = {"%T": "%H:%M:%S", "%F": "%Y-%m-%d", "%R": "%H:%M", "%D": "%m/%d/%y", "%e": "%d"}


class UnusableFormat(ValueError):
    """The text is a sentence that says what is wrong with a format string."""


class _Field(NamedTuple):
    """`name`: "" for a field that is not used. `blanks`: how many stand in it where no quotation marks enclose it.

    `time_format`: of Apache's %{…}t, in the terms of strptime.
    """

    name: str
    blanks: int = 0
    time_format: str = ""


class LineFormat(NamedTuple):
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    time_format: str


@lru_cache(64)
def parse_format(text: str) -> LineFormat:
    """Raises UnusableFormat."""
    if len(text) > LONGEST:
        raise UnusableFormat(f"A format has at most {LONGEST:,} characters")
    literals, fields = _split(_plain(text))
    names = {field.name for field in fields}
    missing = [what for what, any_of in NEEDED.items() if not names.intersection(any_of)]
    if missing:
        raise UnusableFormat(f"The format has no field for {', '.join(missing)}")
    pattern = _literal(literals[0])
    for number, field in enumerate(fields):
        following = fields[number + 1].name if number + 1 < len(fields) else ""
        content = _content(field, literals[number], literals[number + 1], following)
        pattern += f"({content}){_literal(literals[number + 1])}"
    time_format = " ".join(field.time_format for field in fields if field.time_format)
    return LineFormat(re.compile(pattern, re.DOTALL), tuple(field.name for field in fields), time_format)


def _plain(text: str) -> str:
    """Returns the format of a nickname, or of a directive: `LogFormat "…" name`, `log_format name '…' '…';`."""
    text = NICKNAMES.get(text.strip(), text)
    if match := APACHE_DIRECTIVE.fullmatch(text):
        text = match[1]
    elif match := NGINX_DIRECTIVE.fullmatch(text):
        text = "".join(part[1] if part[1] is not None else part[2] for part in NGINX_PART.finditer(match[1]))
    return text.replace('\\"', '"').replace("\\t", "\t").removesuffix("\\n").strip("\r\n")


def _split(text: str) -> tuple[list[str], list[_Field]]:
    """Returns the literal texts, one before every field and one after the last, and the fields."""
    is_nginx = NGINX_FIELD.search(text) is not None
    literals, fields, end = [""], list[_Field](), 0
    for match in (NGINX_FIELD if is_nginx else APACHE_FIELD).finditer(text):
        literals[-1] += text[end : match.start()]
        end = match.end()
        if match[0].endswith("%"):
            literals[-1] += "%"
            continue
        field = _nginx_field(match[1] or match[2]) if is_nginx else _apache_field(match[1] or "", match[2])
        brackets = ("[", "]") if match[0] in ("%t", "%>t", "%<t") else ("", "")
        literals[-1] += brackets[0]
        fields.append(field)
        literals.append(brackets[1])
    literals[-1] += text[end:]
    return literals, fields


def _nginx_field(name: str) -> _Field:
    return _Field(NGINX.get(name, ""), blanks={"time_local": 1, "request": REQUEST_WORDS - 1}.get(name, 0))


def _apache_field(argument: str, letter: str) -> _Field:
    if letter == "i":
        return _Field(APACHE_HEADERS.get(argument.lower(), ""))
    if letter != "t":
        name = APACHE.get(letter, "") if not argument or letter in "ahs" else ""
        return _Field(name, blanks=REQUEST_WORDS - 1 if name == "request" else 0)
    kind = argument.removeprefix("begin:").removeprefix("end:")
    if kind.endswith("_frac"):
        return _Field("")
    if kind in UNITS or not kind:
        return _Field("time", blanks=0 if kind else 1)
    for short, long in SHORT_TIMES.items():
        kind = kind.replace(short, long)
    return _Field("time", kind.count(" "), kind)


def _literal(text: str) -> str:
    """Returns a pattern for the text, with any number of blanks for each run of them."""
    return " ++".join(re.escape(piece) for piece in BLANKS.split(text))


def _content(field: _Field, before: str, after: str, following: str) -> str:
    """Returns a pattern for what stands in a field. It stops where `after` begins."""
    if not after:
        return _adjacent(field, following)
    if field.name == "query":
        return rf"(?:\?[^{re.escape(after[0])}]*+)?+"
    if field.name == "mark":
        return r"\??+"
    if before.endswith('"') and after.startswith('"'):
        return QUOTED
    return _unquoted(field, after)


def _unquoted(field: _Field, after: str) -> str:
    if after[0] == " ":
        if field.blanks:
            return f"[^ ]*+(?: ++[^ ]*+){{{field.blanks}}}"
        if field.name in ("address", "forwarded"):
            return "(?:[^ ]*, ++)*+[^ ]*+"
        if field.name != "user":
            return "[^ ]*+"
    return f"(?:(?!{re.escape(BLANKS.sub(' ', after))}).)*+" if len(after) > 1 else f"[^{re.escape(after)}]*+"


def _adjacent(field: _Field, following: str) -> str:
    """Returns a pattern for a field at the end of the line, or directly before another field: `%U%q`, `$host$uri`."""
    if not following:
        return ".*+"
    if field.name == "mark":
        return r"\??+"
    if following in ("query", "mark"):
        return r"[^?\s\"]*+"
    if following in ("target", "path"):
        return r"[^/\s\"]*+"
    raise UnusableFormat(f"The format does not say where the {field.name or 'one'} field ends and the next begins")
