"""The oracle itself, on logs small enough to count by hand."""

import pytest

from tests.support.oracle_access import Account, account, host_of, path_of, unescaped, verdict

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:157.0) Gecko/20100101 Firefox/157.0"


def line(
    request: str = "GET / HTTP/1.1",
    *,
    time: str = "17/May/2015:10:05:03 +0000",
    status: str = "200",
    size: str = "12",
    address: str = "192.0.2.1",
    agent: str = FIREFOX,
) -> bytes:
    return f'{address} - - [{time}] "{request}" {status} {size} "-" "{agent}"'.encode()


def is_bot(agent: str) -> bool:
    return "bot" in agent


def count(*lines: bytes, zone: str = "UTC") -> Account:
    return account([lines], is_bot, host="site.example", zone=zone)


def test_it_works() -> None:
    found = count(line(), line("GET /a.css HTTP/1.1"), line(), b"hello")
    assert (found.lines, found.reasons) == (4, {"asset": 1, "malformed": 1})
    assert found.page_views("host", "path", "day") == {("site.example", "/", "2015-05-17"): 2}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (line(), None),
        (line(status="304", size="-"), None),
        (line(status="299"), None),
        (b'h.example - bob [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 1', None),
        (line("GET / b HTTP/1.1"), None),
        (line("GET /a.css/b HTTP/1.1"), None),
        (line("GET /a?b.css HTTP/1.1"), None),
        (line("GET /css HTTP/1.1"), None),
        (line(time="29/Feb/2016:23:59:60 -0130"), None),
        (line("GET  /  HTTP/1.1"), None),
        (b"", "malformed"),
        (line() + b" more", "malformed"),
        (line()[:-1], "malformed"),
        (line("GET /"), "malformed"),
        (b'h - bob [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 1', "malformed"),
        (line("-"), "malformed"),
        (line(time="29/Feb/2015:10:05:03 +0000"), "malformed"),
        (line(time="17/May/2015:24:05:03 +0000"), "malformed"),
        (line(time="17/May/2015:10:05:61 +0000"), "malformed"),
        (line(time="17/Mai/2015:10:05:03 +0000"), "malformed"),
        (line(time="17/May/2015 10:05:03 +0000"), "malformed"),
        (line(status="20"), "malformed"),
        (line(size="x"), "malformed"),
        (line("POST / HTTP/1.1", status="404"), "method"),
        (line("get / HTTP/1.1"), "method"),
        (line(status="300"), "status"),
        (line("GET /a.png HTTP/1.1", status="404"), "status"),
        (line("GET /a.PNG?x#y HTTP/1.1", agent="bot"), "asset"),
        (line(agent="bot"), "bot"),
    ],
)
def test_reasons_in_their_order(content: bytes, reason: str | None) -> None:
    assert verdict(content, is_bot) == reason


def test_a_line_is_a_duplicate_in_a_later_import_only() -> None:
    once, assets = line(), line("GET /a.css HTTP/1.1")
    found = account([[once, once, assets], [once, once, once, assets]], is_bot)
    assert (len(found.views), found.reasons) == (3, {"asset": 1, "duplicate": 3})


def test_visitors_are_addresses_with_agents() -> None:
    found = count(line(), line(address="192.0.2.2"), line(agent="Firefox"), line())
    assert found.visitors() == {(): 3}
    assert found.new_visitors() == {"2015-05-17": 3}


def test_sessions_end_after_more_than_half_an_hour() -> None:
    at = "17/May/2015:{} +0000"
    found = count(line(time=at.format("10:00:00")), line(time=at.format("10:30:00")), line(time=at.format("11:00:01")))
    assert [len(session) for session in found.sessions] == [2, 1]
    assert found.engaged_sessions() == {"2015-05-17": 1}
    assert found.seconds() == {"2015-05-17": 1800}


def test_midnight_does_not_split_a_session() -> None:
    late, early = line(time="17/May/2015:21:50:00 +0000"), line("GET /b HTTP/1.1", time="17/May/2015:22:05:00 +0000")
    found = count(early, late, zone="Europe/Berlin")
    assert found.sessions_with("day") == {("2015-05-17",): 1, ("2015-05-18",): 1}
    assert found.sessions_with() == {(): 1}
    assert found.engaged_sessions() == {"2015-05-18": 1}
    assert found.seconds() == {"2015-05-17": 0, "2015-05-18": 900}


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        ("/a/b?c#d", "", "/a/b"),
        ("http://Site.Example:80/a?b", "site.example", "/a"),
        ("http://site.example", "site.example", ""),
        ("/go?to=http://site.example/", "", "/go"),
    ],
)
def test_targets(target: str, host: str, path: str) -> None:
    assert (host_of(target), path_of(target)) == (host, path)


def test_escapes() -> None:
    assert unescaped(r"a\"b\\c\x41\t") == 'a"b\\cA\t'
    assert unescaped(r"\xff") == r"\xff"
