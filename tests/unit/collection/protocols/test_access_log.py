"""Lines of access logs: every field of the format, and nothing that only looks like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit
from collection.protocols import access_log
from collection.protocols.decoded import Decoded

COMBINED = (
    '192.0.2.17 - - [17/May/2015:10:05:03 +0000] "GET /a/b.html?x=1 HTTP/1.1" 200 203023 '
    '"http://example.com/from" "Mozilla/5.0 (X11)"'
)
COMMON = '192.0.2.17 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 304 -'


def decode(line: str | bytes) -> Decoded:
    body = line.encode() if isinstance(line, str) else line
    return access_log.decode(RawHit(FORMAT, "id", 0, "access_log", "", "", {}, b"", body, 1, 0))


def test_it_works() -> None:
    decoded = decode(COMBINED)
    assert decoded.error is None
    assert (decoded.address, decoded.user_agent) == ("192.0.2.17", "Mozilla/5.0 (X11)")
    assert decoded.events == [
        {
            "method": "GET",
            "status": "200",
            "target": "/a/b.html?x=1",
            "dl": "/a/b.html?x=1",
            "size": "203023",
            "dr": "http://example.com/from",
            "rest": "version=HTTP/1.1",
        }
    ]


def test_common_format() -> None:
    decoded = decode(COMMON)
    assert (decoded.error, decoded.user_agent) == (None, "")
    assert decoded.events == [
        {
            "method": "GET",
            "status": "304",
            "target": "/apache_pb.gif",
            "dl": "/apache_pb.gif",
            "rest": "version=HTTP%2F1.0&user=frank",
        }
    ]


@pytest.mark.parametrize("end", ["", "\n", "\r\n", " "])
def test_the_end_of_the_line_does_not_matter(end: str) -> None:
    assert decode(COMBINED + end) == decode(COMBINED)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        COMBINED[:-1],
        COMBINED.replace("GET /a/b.html?x=1 HTTP/1.1", "-"),
        COMBINED.replace("GET /a/b.html?x=1 HTTP/1.1", ""),
        COMBINED.replace("GET /a/b.html?x=1 HTTP/1.1", r"\x16\x03\x01"),
        COMBINED.replace("GET /a/b.html?x=1 HTTP/1.1", "GET /a/b.html"),
        COMBINED.replace(" 200 ", " 20 "),
        COMBINED.replace("203023", "many"),
        COMBINED.replace("May", "Mai"),
        COMBINED.replace("[17/May/2015:10:05:03 +0000]", "[2015-05-17T10:05:03Z]"),
    ],
)
def test_a_line_in_another_format_is_malformed_and_kept(line: str) -> None:
    decoded = decode(line)
    assert decoded.error == "malformed"
    assert len(decoded.events) == 1
    assert set(decoded.events[0]) == {"rest"}


def test_a_line_without_a_valid_time_is_malformed() -> None:
    hit = RawHit(FORMAT, "id", 0, "access_log", "", "", {}, b"", COMBINED.encode(), 1, None)
    assert access_log.decode(hit).error == "malformed"


def test_escapes_are_replaced_if_the_result_is_utf8() -> None:
    line = (
        COMBINED.replace("/a/b.html", r"/caf\xc3\xa9").replace("Mozilla", r"a \"b\" \\ c").replace("from", r"\xe4\xe5")
    )
    decoded = decode(line)
    assert decoded.events[0]["target"] == "/café?x=1"
    assert decoded.user_agent == r'a "b" \ c/5.0 (X11)'
    assert decoded.events[0]["dr"] == r"http://example.com/\xe4\xe5"


def test_an_absent_field_has_no_parameter() -> None:
    decoded = decode(COMBINED.replace('"http://example.com/from"', '"-"').replace("Mozilla/5.0 (X11)", "-"))
    assert "dr" not in decoded.events[0]
    assert decoded.user_agent == ""


@given(st.binary())
def test_no_bytes_raise(line: bytes) -> None:
    assert decode(line).events


@given(st.text(st.characters(codec="utf-8", exclude_characters='"\\'), min_size=1))
def test_user_agents_survive(agent: str) -> None:
    decoded = decode(COMBINED.replace("Mozilla/5.0 (X11)", agent))
    assert decoded.user_agent == ("" if agent == "-" else agent)


def test_hostile_lines_are_read_in_time() -> None:
    for filler in (r"\"", '"', " ", "a ", '" "', "[", "1 - - "):
        decode(COMBINED[:-1] + filler * (120_000 // len(filler)))
        decode(filler * (120_000 // len(filler)))
