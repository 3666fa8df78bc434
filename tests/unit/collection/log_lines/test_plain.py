"""Lines that Apache and nginx write without a format of one's own, and lines of the same make."""

import pytest

from collection.log_lines import NO_ADDRESS, OTHER_FORMAT, LogFields, UnreadableLine, layout_of, read_line

AGENT = "Mozilla/5.0 (X11; Linux x86_64)"
TIME = "[10/Nov/2026:10:00:00 +0000]"
REQUEST = "GET /a?x=1 HTTP/1.1"


def line(
    head: str = "198.51.100.7 - -", time: str = TIME, request: str = REQUEST, tail: str = f'200 5 "-" "{AGENT}"'
) -> str:
    return f'{head} {time} "{request}" {tail}'


def read(text: str) -> LogFields:
    """And checks what every one of these lines says."""
    fields = read_line(text)
    assert (fields.method, fields.version, fields.status, fields.size) == ("GET", "HTTP/1.1", "200", "5")
    assert fields.time.replace("+00:00", "+0000") == TIME[1:-1]
    return fields


def cause(text: str) -> str:
    with pytest.raises(UnreadableLine) as caught:
        read_line(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        (line(tail="200 5"), "common"),
        (line(), "combined"),
        (line("www.example.org:443 198.51.100.7 - -"), "vhost_combined"),
        (line("www.example.org 198.51.100.7 - -"), "vhost_combined"),
        (line(tail=f'200 5 "-" "{AGENT}" "-"'), "combined with further fields"),
        (line(tail=f'200 5 "-" "{AGENT}" 500 900'), "combined with further fields"),
        (line(tail=f'200 5 "-" "{AGENT}" 48211'), "combined with further fields"),
        (line(tail=f'200 5 "-" "{AGENT}" "0.003"'), "combined with further fields"),
        (line(tail=f'200 5 "-" "{AGENT}" rt=0.003 uct="0.001 s" . "a \\"b" -'), "combined with further fields"),
        (line(tail=f'200 5 "-" "{AGENT}" 7 "web@docker" "http://192.0.2.9:80" 3ms'), "combined with further fields"),
        (line(tail="200 5 0.003"), "common with further fields"),
    ],
)
def test_it_works(text: str, layout: str) -> None:
    fields = read(text)
    assert (fields.address, fields.ident, fields.user, fields.target) == ("198.51.100.7", "-", "-", "/a?x=1")
    assert (fields.referrer, fields.user_agent) == ("-", "-" if "common" in layout else AGENT)
    assert layout_of(fields) == layout


@pytest.mark.parametrize(
    "text",
    [
        line("198.51.100.7  -   - "),
        line(tail=f'200   5  "-"   "{AGENT}"  '),
        line().replace(' "GET', '   "GET'),
        line().replace(" - - ", " - -\t"),
        line(time=TIME.replace("+0000", "+00:00")),
        line(request="GET   /a?x=1   HTTP/1.1"),
        line() + "\r\n",
        "\ufeff" + line(),
        line("198.51.100.7 -"),
        line("198.51.100.7"),
    ],
)
def test_blanks_and_zones(text: str) -> None:
    fields = read(text)
    assert (fields.address, fields.ident, fields.user, fields.target) == ("198.51.100.7", "-", "-", "/a?x=1")
    assert (fields.referrer, fields.user_agent) == ("-", AGENT)


@pytest.mark.parametrize(
    ("written", "user"),
    [
        ("Jane Doe", "Jane Doe"),
        ('"Jane Doe"', "Jane Doe"),
        ("Jane  von  Doe", "Jane von Doe"),
        ("CN=Jane Doe,O=Example [org],C=GB", "CN=Jane Doe,O=Example [org],C=GB"),
        ("J\ufffdrgen M", "J\ufffdrgen M"),
        ("203.0.113.9 b", "203.0.113.9 b"),
        ("[10/Nov", "[10/Nov"),
    ],
)
@pytest.mark.parametrize("site", ["", "www.example.org:80 "])
def test_user_names_are_free_text(written: str, user: str, site: str) -> None:
    fields = read(line(f"{site}198.51.100.7 - {written}"))
    assert (fields.address, fields.ident, fields.user) == ("198.51.100.7", "-", user)


@pytest.mark.parametrize(
    "written",
    [
        *("\0" * 64 + "198.51.100.7", "\x01\x02198.51.100.7", "\x1b[32m198.51.100.7", "198.51.100.7:51234"),
        *("198.51.100.7,", '"198.51.100.7"', "[198.51.100.7]", "198.51.100.7, 10.0.0.1", "198.51.100.7,10.0.0.1"),
        *("unknown, 198.51.100.7", "10.0.0.1, 198.51.100.7, 10.0.0.2", "203.0.113.1:80 198.51.100.7"),
        *("_ 198.51.100.7", "- 198.51.100.7", "203.0.113.1 198.51.100.7", "198.51.100.7 10.0.0.1"),
    ],
)
def test_the_address_in_the_first_field_is_used(written: str) -> None:
    fields = read(line(f"{written} - Jane Doe")) if "198.51.100.7 10" not in written else read(line(f"{written} - -"))
    assert fields.address == "198.51.100.7"


@pytest.mark.parametrize("written", ["-", "unknown", "unix:", "999.1.1.1", "a b", "", "\0", "www.example.org:80"])
def test_a_line_without_an_address_is_malformed(written: str) -> None:
    assert cause(line(f"{written} - -")) == NO_ADDRESS


def test_a_host_may_stand_for_its_address() -> None:
    assert read(line("client.example.net - -")).address == "client.example.net"
    fields = read(line("www.example.org:80 client.example.net - -"))
    assert (fields.address, fields.host) == ("client.example.net", "www.example.org")


@pytest.mark.parametrize(
    ("site", "host"),
    [("www.example.org:443", "www.example.org"), ("example.org", "example.org"), ("_", ""), ("203.0.113.1:80", "")],
)
def test_the_site_that_was_asked_for(site: str, host: str) -> None:
    assert read(line(f"{site} 198.51.100.7 - -")).host == host


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "-", "10.0.0.1"),
        ("203.0.113.1", "198.51.100.7", "203.0.113.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("unix:", "198.51.100.7", "198.51.100.7"),
        ("www.example.org:80 unix:", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_a_proxy_in_a_private_network_forwards_the_address(address: str, forwarded: str, client: str) -> None:
    assert read(line(f"{address} - -", tail=f'200 5 "-" "{AGENT}" "{forwarded}"')).address == client


@pytest.mark.parametrize(
    ("target", "referrer", "agent", "extras"),
    [
        ("/a b c", "-", AGENT, ""),
        ('/a?q="x"', "-", AGENT, ""),
        ('/a?q="x y" "z"', "-", AGENT, ' "-"'),
        ("/a", "https://x.example/?q=a b", AGENT, ""),
        ("/a", 'https://x.example/?q="a" b', AGENT, ""),
        ("/a", "-", 'a "b" c', ""),
        ("/a", "-", 'a "b" c', " 48211"),
        ("/a", "-", '"b"', ""),
        ("/a", "-", 'a"b', ""),
        ("/a", 'x"y', 'a"b', ""),
        ('/"a', 'x"y', 'a "b"', " 1 2"),
        ('/"a', "-", r"a \"b\" c", ' "-"'),
    ],
)
def test_bare_quotes_and_spaces(target: str, referrer: str, agent: str, extras: str) -> None:
    fields = read(line(request=f"GET {target} HTTP/1.1", tail=f'200 5 "{referrer}" "{agent}"{extras}'))
    assert (fields.target, fields.referrer, fields.user_agent) == (target, referrer, agent)


def test_bare_quotes_in_the_common_format() -> None:
    assert read(line(request='GET /"a" HTTP/1.1', tail="200 5")).target == '/"a"'


@pytest.mark.parametrize(
    "text",
    [
        line(tail='200 5 "-" "a"b" "c"'),  # a further field, or part of the user agent
        line(tail='200 5 "-" "a" b" "c" "d"'),
        line(tail='200 5 "x" y" "z" "a"b"'),
        line(request='GET /" HTTP/1.1" 200 5 "-" "a" "GET / HTTP/1.1', tail='200 5 "-" "a"b"'),
        line(tail='200 5 "only"'),
        line()[:-1],
        line()[:60] + line(),  # broken off, and the next line without a line end
        line().replace(" 200 ", " 20 "),
        line().replace("Nov", "Mov"),
        "hello",
    ],
)
def test_a_line_that_can_be_read_in_several_ways_or_none_is_malformed(text: str) -> None:
    assert cause(text) == OTHER_FORMAT


def test_zeros_after_a_power_cut() -> None:
    """Before the line, after it, and behind the beginning of another one."""
    other = line("203.0.113.1 - -")
    for text in ("\0" * 9 + line(), line() + "\0" * 9, other[:20] + "\0" * 9 + line(), other[:50] + "\0\0" + line()):
        assert read(text).address == "198.51.100.7"
