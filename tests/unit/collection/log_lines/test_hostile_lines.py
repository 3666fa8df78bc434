"""No line raises anything but UnreadableLine, whatever its bytes, and none takes more than a moment."""

import contextlib
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collection.access_logs.files import MAX_LINE_BYTES
from collection.log_lines import UnreadableLine, read_line, time_ms

GOOD = '198.51.100.7 - - [10/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Moz"'
FORMATS = [
    None,
    '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D',
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
    "%{%d/%b/%Y %T}t %{X-Forwarded-For}i %u %m %U%q %s",
]
PIECES = [
    *(
        '"',
        " ",
        "\\",
        r"\"",
        '" "',
        'a "',
        ' "a"',
        "a ",
        ", ",
        "1.",
        ":",
        "[",
        "\0",
        "\x1b[",
        "\x1b[1m",
        "\x01 ",
        "-",
        "é",
    ),
    *("[10/Nov/2026:10:00:00 +0000] ", '[10/Nov/2026:10:00:00 +0000] "', 'HTTP/1.1" 200 5 ', 'HTTP/1.1"  ', "1 - - "),
    *("{", '{"a":', '["a",', r"\x", "\t", "198.51.100.7, ", "198.51.100.7 ", "a.", ' a="b', '=" ', '" 2', "HTTP/", "9"),
]
CUTS = [0, 12, 13, 17, 45, 46, 50, 53, 62, 66, 70, 73, len(GOOD) - 1]  # before and behind each field
SECONDS = 2.0  # in practice 0.05; what takes the square of the length takes minutes


def attempt(text: str, format: str | None = None) -> None:
    with contextlib.suppress(UnreadableLine):
        time_ms(read_line(text, format).time)


def test_it_works() -> None:
    assert read_line(GOOD).address == "198.51.100.7"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("piece", PIECES)
def test_long_lines_are_read_in_time(piece: str, format: str | None) -> None:
    filler = piece * (MAX_LINE_BYTES // len(piece))
    for text in (filler, *(GOOD[:cut] + filler + end for cut in CUTS for end in ("", GOOD[cut:]))):
        began = time.process_time()
        attempt(text, format)
        assert time.process_time() - began < SECONDS


@pytest.mark.parametrize("format", FORMATS)
@given(
    st.text()
    | st.lists(st.sampled_from([*PIECES, *GOOD.split(" "), GOOD[:46], GOOD[46:], GOOD])).map("".join)
    | st.lists(st.sampled_from([*PIECES, *GOOD.split(" ")])).map(" ".join)
)
@example('198.51.100.7 - - [99/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5')
def test_no_line_raises_anything_else(format: str | None, text: str) -> None:
    attempt(text, format)


@given(st.text().map(lambda text: text.replace('"', "'").replace("\\", "/").replace("\0", "")))
def test_a_good_line_with_any_user_agent_is_read(agent: str) -> None:
    assert read_line(GOOD.replace("Moz", agent)).user_agent == agent
