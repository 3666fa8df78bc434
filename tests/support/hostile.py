"""Hostile values for every field of a request, and requests that are well formed but for one or two of them."""

import json
import re
from html.parser import HTMLParser
from typing import Any, Final

from hypothesis import strategies as st

LONG: Final = 100_000
TEXTS: Final = (
    *("", " ", "0", "-1", "1", "abc", "null", "true", "NaN", "Infinity", "1e999", "0x10", "1_000", "١٢"),
    *(str(2**31), str(2**63 - 1), str(2**63), str(2**64), str(-(2**63) - 1), "9" * 30, "9" * 5000, "1.5"),
    *("0001-01-01", "1970-01-01", "1999-12-31", "9999-12-31", "2026-02-30", "2026-13-01", "10000-01-01",
      "-001-01-01"),
    *("2026-W01-1", "20261120", "99999daysAgo", "0daysAgo", "today", "yesterday", "2026-11-20", "365d"),
    *("\x00", "a\x00b", "\ud800", "a\udfffb", "\U0010ffff", "\ufffe", "\u202e", "\r\nX: y", "é", "e\u0301", "ß", "İ"),
    *("http://[", "https://[::1", "https://a]b/", "https://[v1.x]/", "//[", "http://\udc00/", "https://a:b/",
      "https://a:99999999/"),
    *("/g/collect?v=2&tid=G-1&cid=1.1&en=page_view&dl=https://[", "v=2&en=page_view&dl=http://[x", "?a=%", "%", "%zz",
      "%ff", "%00"),
    *("{", "[", "[" * 3000, '{"a":' * 3000, "(" * 3000, "((a+)+)+$", "\\", "(?P<x>", "a{1,99999999}", "*", "%s%n",
      "{0}", "{{7*7}}"),
    *("<script>alert(1)</script>", "' OR 1=1 --", "../../etc/passwd", "..%2f..%2f", "$(id)", "=1+1", "a,b", "a;b",
      "a\nb", "\t"),
    "x" * LONG,
    "é" * 20_000,
)  # fmt: skip
ATOMS: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**400, -(2**63) - 1, 0.5, -0.0, 1e308, 5e-324),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": {"c": []}}}, [0] * 1000, {str(n): n for n in range(500)}),
)  # fmt: skip
WORDS: Final = (
    "add",
    "bot",
    "filter",
    "key-event",
    "custom-dimension",
    "auth",
    "configuration",
    "processing",
    "token",
    "user",
    "draft",
)
PLAIN: Final = re.compile(r"[\w.~%-]*", re.ASCII)

texts: Final = st.one_of(st.sampled_from(TEXTS), st.sampled_from(WORDS), st.text(max_size=20))
values: Final = st.one_of(st.sampled_from(ATOMS), texts)


def deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


BODIES: Final = (
    *(b"", b"null", b"[]", b"{}", b'"x"', b"1", b"\x00", b"\xff\xfe", b"{", b'{"a":1}{', b"NaN", b'{"a":NaN}',
      b'{"a":1e999}'),
    *(b'{"a":1,"a":2}', b'"\xed\xa0\x80"', b'{"\\ud800":"\\udfff"}', deep(500), deep(100_000), b"[" * 100_000,
      b"9" * 6000),
    *("{}".encode("utf-16"), "{}".encode("utf-32"), b"\xef\xbb\xbf{}", b"a=%ff&b=%00&a=2", b"a" * 300_000, b"=&&=&;",
      b"&" * 2000),
)  # fmt: skip
TYPES: Final = (
    *("application/json", "application/x-www-form-urlencoded", "text/plain", "", "\x00", "application/xml",
      "application/octet-stream"),
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x",
      "multipart/form-data; boundary=" + "x" * 500),
    *("application/json; charset=utf-16", "application/json; charset=nonsense",
      "application/x-www-form-urlencoded; charset=utf-7"),
)  # fmt: skip
HEADERS: Final = (
    *({"Accept": value} for value in ("application/xml", "*/*;q=nonsense", "\xff", ",", "text/html;version=9",
      "application/json; indent=99999999999999999999")),
    *({"If-Match": value} for value in ('"', "*", 'W/"x"', "\xff" * 100, '"a",' * 1000)),
    *({"If-None-Match": value} for value in ('"', "*", "\xff", '"a",' * 1000)),
    *({"Authorization": value} for value in ("Bearer", "Bearer ", "Bearer \xff", "Basic YTpi", "Basic \xff",
      "Bearer a b", "bearer " + "x" * 5000)),
    *({"Cookie": value} for value in ("hitstream_session=\xff", "hitstream_session=" + "x" * 3000,
      "messages=x; hitstream_csrf=\x00", "=;=;")),
    *({"Host": value} for value in ("[", "a b", "localhost:99999999", "\xff", "evil.example", "[::1", "localhost:")),
    *({"X-Forwarded-For": "[", "X-Forwarded-Proto": "\xff"}, {"Referer": "http://["}, {"Origin": "http://["},
      {"Accept-Language": "x" * 3000}),
    *({"User-Agent": "\xff\x00"}, {"Range": "bytes=9-1"}, {"X-Http-Method-Override": "DELETE"},
      {"If-Modified-Since": "\xff"}, {"Accept-Encoding": ";q="}),
)  # fmt: skip


class Forms(HTMLParser):
    """The fields of all forms of a page with the values that a browser would send."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = self._area = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = dict(attrs)
        name, value = had.get("name") or "", had.get("value") or ""
        if tag == "textarea":
            self._area = name
            self.fields.setdefault(name, "")
        elif tag == "select":
            self._select = name
            self.fields.setdefault(name, "")
        elif tag == "option" and self._select and ("selected" in had or not self.fields[self._select]):
            self.fields[self._select] = value
        elif tag in ("input", "button") and name and (had.get("type") != "checkbox" or "checked" in had):
            self.fields.setdefault(name, value)

    def handle_endtag(self, tag: str) -> None:
        self._select = "" if tag == "select" else self._select
        self._area = "" if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data.removeprefix("\n")


@st.composite
def spoiled(draw: st.DrawFn, value: Any) -> Any:
    """JSON that is like `value` except at one place, where a hostile value stands, a name is wrong, or more is."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)) < 9:
        name = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 14)) == 0:
            return {**value, draw(texts): draw(values)}
        return {**value, name: draw(spoiled(value[name]))}
    if isinstance(value, list) and value and draw(st.integers(0, 9)) < 9:
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(spoiled(value[place])), *value[place + 1 :]]
    return draw(values)


def as_json(value: Any) -> bytes:
    """Writes lone surrogates as escapes, as JSON can."""
    return json.dumps(value).encode()


def spoiled_json(value: Any) -> st.SearchStrategy[bytes]:
    return spoiled(value).map(as_json)
