"""What syslog puts in front of a line makes no difference."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.log_lines import UnreadableLine, read_line
from collection.log_lines.syslog import without_syslog

LINE = '198.51.100.7 - - [10/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"'
OBJECT = '{"remote_addr": "198.51.100.7", "time": "2026-11-10T10:00:00Z", "method": "GET", "uri": "/a", "status": 200}'
PREFIXES = [
    "<190>Nov 29 10:00:00 web1 nginx: ",
    "<6>Nov  9 10:00:00 web1 nginx[17]: ",
    "Nov 29 10:00:00 web1.example.org haproxy[4711]: ",
    "Nov 29 10:00:00 nginx: ",
    "2026-11-29T10:00:00.123456+01:00 web1 apache2: ",
    "2026-11-29T10:00:00Z web1 nginx: ",
    "<190>1 2026-11-29T10:00:00Z web1 nginx 17 - - ",
    '<190>1 2026-11-29T10:00:00.5+01:00 web1 nginx - access [origin ip="192.0.2.1"] ',
]


@pytest.mark.parametrize("line", [LINE, OBJECT, f"www.example.org:443 {LINE}"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_it_works(prefix: str, line: str) -> None:
    assert read_line(prefix + line) == read_line(line)


def test_a_line_without_it_stays_as_it_is() -> None:
    assert without_syslog(LINE) == LINE
    assert without_syslog("Nov 29 is a day") == "Nov 29 is a day"


@given(st.sampled_from(PREFIXES), st.text(max_size=40), st.integers(0, 40))
def test_hostile_prefixes(prefix: str, text: str, cut: int) -> None:
    """A broken prefix may make the line unreadable; nothing else goes wrong."""
    with suppress(UnreadableLine):
        assert read_line(prefix[:cut] + text + prefix[cut:] + LINE).status == "200"
