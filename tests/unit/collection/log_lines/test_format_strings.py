"""Lines read by the format strings of Apache and nginx."""

import pytest

from collection.log_lines import (
    NO_ADDRESS,
    NO_REQUEST,
    UnreadableLine,
    UnusableFormat,
    parse_format,
    read_line,
    time_ms,
)

COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
MAIN = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
    ' "$http_x_forwarded_for"'
)
TIME = "[10/Nov/2026:10:00:00 +0000]"
MOMENT = 1_794_304_800_000
LINE = f'198.51.100.7 - Jane Doe {TIME} "GET /a?x=1 HTTP/1.1" 200 5 "-" "Moz"'


@pytest.mark.parametrize(
    ("format", "line"),
    [
        (COMBINED, LINE),
        (COMBINED.replace('"', r"\""), LINE),
        ('LogFormat "' + COMBINED.replace('"', r"\"") + '" own', LINE),
        (MAIN, f'{LINE} "-"'),
        (f"log_format main '{MAIN[:40]}'\n    '{MAIN[40:]}';", f'{LINE} "-"'),
        (f"log_format main escape=default '{MAIN}';", f'{LINE} "-"'),
        (
            '%h %u %t %D "%r" %s %b "%{User-agent}i"',
            f'198.51.100.7 Jane Doe {TIME} 3 "GET /a?x=1 HTTP/1.1" 200 5 "Moz"',
        ),
        ("%u|%s|%b|%{User-Agent}i|%r|%t|%a", f"Jane Doe|200|5|Moz|GET /a?x=1 HTTP/1.1|{TIME}|198.51.100.7"),
        (
            r"%h\t%u\t%t\t%r\t%>s\t%B\t%{User-Agent}i",
            f"198.51.100.7\tJane Doe\t{TIME}\tGET /a?x=1 HTTP/1.1\t200\t5\tMoz",
        ),
        (
            '%t %a %m %U%q %H %s %O "%u" "%{User-Agent}i"',
            f'{TIME} 198.51.100.7 GET /a?x=1 HTTP/1.1 200 5 "Jane Doe" "Moz"',
        ),
        (
            '[$time_local] $remote_addr "$remote_user" "$request_method $scheme://$host$request_uri $server_protocol"'
            ' $status $bytes_sent $request_time "$http_user_agent"',
            f'{TIME} 198.51.100.7 "Jane Doe" "GET https://www.example.org/a?x=1 HTTP/1.1" 200 5 0.003 "Moz"',
        ),
        (
            "$remote_addr [$time_local] $request_method $uri$is_args$args $server_protocol $status $body_bytes_sent"
            ' "$remote_user" "$http_user_agent"',
            f'198.51.100.7 {TIME} GET /a?x=1 HTTP/1.1 200 5 "Jane Doe" "Moz"',
        ),
    ],
)
def test_it_works(format: str, line: str) -> None:
    for text in (line, line.replace(" 200 ", "   200  "), line + "\r"):
        fields = read_line(text, format)
        assert (fields.address, fields.user, fields.layout) == ("198.51.100.7", "Jane Doe", "--format")
        assert (fields.method, fields.target, fields.version) == ("GET", "/a?x=1", "HTTP/1.1")
        assert (fields.status, fields.user_agent) == ("200", "Moz")
        assert time_ms(fields.time) == MOMENT


@pytest.mark.parametrize(
    ("format", "time"),
    [
        ("%t", TIME),
        ("[%{%d/%b/%Y:%H:%M:%S %z}t]", TIME),
        ("%{begin:%d/%b/%Y %T}t.%{msec_frac}t %{%z}t", "10/Nov/2026 11:00:00.123 +0100"),
        ("%{%F %T}t", "2026-11-10 10:00:00"),
        ("%{%Y-%m-%dT%H:%M:%S%z}t", "2026-11-10T10:00:00+0000"),
        ("%{sec}t", "1794304800"),
        ("%{end:usec}t", "1794304800000123"),
        ("$time_local", TIME[1:-1]),
        ("$time_iso8601", "2026-11-10T10:00:00+00:00"),
        ("$msec", "1794304800.000"),
    ],
)
def test_times(format: str, time: str) -> None:
    rest = ' $remote_addr "$request" $status' if "$" in format else ' %h "%r" %s'
    line = f'{time} 198.51.100.7 "GET /a HTTP/1.1" 200'
    fields = read_line(line, format + rest)
    assert (fields.address, time_ms(fields.time)) == ("198.51.100.7", MOMENT)


@pytest.mark.parametrize(
    ("format", "address", "client"),
    [
        ("%{X-Forwarded-For}i", "198.51.100.7, 10.0.0.1", "198.51.100.7"),
        ("%{X-Forwarded-For}i %h", "198.51.100.7 10.0.0.1", "198.51.100.7"),
        ("%{X-Forwarded-For}i %h", "- 203.0.113.1", "203.0.113.1"),
        ("%h %{X-Forwarded-For}i", "10.0.0.1 198.51.100.7,203.0.113.9", "198.51.100.7"),
        ("%h %{X-Forwarded-For}i", "203.0.113.1 198.51.100.7", "203.0.113.1"),
        ("%{c}a %a", "198.51.100.7 203.0.113.1", "198.51.100.7"),
        ("%a:%{remote}p", "198.51.100.7:4711", "198.51.100.7"),
        ("%v:%p %h", "www.example.org:80 client.example.net", "client.example.net"),
    ],
)
def test_addresses(format: str, address: str, client: str) -> None:
    assert read_line(f'{address} {TIME} "GET / HTTP/1.1" 200', f'{format} %t "%r" %s').address == client


def test_the_site() -> None:
    assert read_line(f"www.example.org:80 {LINE}", f"%v:%p {COMBINED}").host == "www.example.org"


@pytest.mark.parametrize(
    ("nickname", "line"),
    [
        ("common", LINE[: LINE.index(' "-"')]),
        ("combined", LINE),
        ("combinedio", f"{LINE} 500 900"),
        ("vhost_combined", f"www.example.org:443 {LINE}"),
        ("main", f'{LINE} "203.0.113.9"'),
    ],
)
def test_nicknames(nickname: str, line: str) -> None:
    assert read_line(line, nickname).address == "198.51.100.7"
    assert read_line(line).target == "/a?x=1"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (LINE.replace(" 200 ", " - "), NO_REQUEST),
        (LINE.replace("GET /a?x=1 HTTP/1.1", "-"), NO_REQUEST),
        (LINE.replace("198.51.100.7", "-"), NO_ADDRESS),
        (LINE[:-1], "not in the format that was given"),
        (LINE + ' "-"', "not in the format that was given"),
        ("hello", "not in the format that was given"),
        ("", "the line is empty"),
    ],
)
def test_lines_that_cannot_be_read(line: str, cause: str) -> None:
    with pytest.raises(UnreadableLine) as caught:
        read_line(line, COMBINED)
    assert str(caught.value) == cause


@pytest.mark.parametrize(
    ("format", "cause"),
    [
        ("", "no field for the client's address"),
        ("referer", "no field for the client's address"),
        ('%h %l %u "%r" %>s', r"no field for the time \(%t, \$time_local\)$"),
        ("$remote_addr [$time_local] $status", "no field for the request"),
        ('%h %t "%r"', "no field for the status"),
        ("%h%u %t %r %s", "where the address field ends"),
        ("%h " * 5_000, "at most 4,096"),
    ],
)
def test_formats_that_cannot_be_used(format: str, cause: str) -> None:
    with pytest.raises(UnusableFormat, match=cause):
        parse_format(format)
