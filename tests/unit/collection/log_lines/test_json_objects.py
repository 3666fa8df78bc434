"""Lines that are JSON objects, by the usual names of their fields."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.log_lines import NO_ADDRESS, NO_REQUEST, NO_TIME, OTHER_FORMAT, UnreadableLine, read_line, time_ms

MOMENT = 1_794_304_800_000
AGENT = "Mozilla/5.0 (X11)"

NGINX = {
    "time_iso8601": "2026-11-10T10:00:00+00:00",
    "remote_addr": "198.51.100.7",
    "remote_user": "Jane Doe",
    "request": "GET /a?x=1 HTTP/1.1",
    "status": "200",
    "body_bytes_sent": "5",
    "http_referer": "https://x.example/",
    "http_user_agent": AGENT,
    "request_time": "0.003",
    "host": "www.example.org",
}
CADDY = {
    "level": "info",
    "ts": 1794304800.0001,
    "logger": "http.log.access.log0",
    "msg": "handled request",
    "request": {
        "remote_ip": "198.51.100.7",
        "remote_port": "41342",
        "client_ip": "198.51.100.7",
        "proto": "HTTP/1.1",
        "method": "GET",
        "host": "www.example.org:443",
        "uri": "/a?x=1",
        "headers": {"User-Agent": [AGENT], "Referer": ["https://x.example/"], "Accept": ["*/*"]},
        "tls": {"resumed": False, "version": 772},
    },
    "bytes_read": 0,
    "user_id": "Jane Doe",
    "duration": 0.000929675,
    "size": 5,
    "status": 200,
    "resp_headers": {"Server": ["Caddy"], "Content-Type": ["text/html"]},
}
TRAEFIK = {
    "ClientAddr": "198.51.100.7:59238",
    "ClientHost": "198.51.100.7",
    "ClientPort": "59238",
    "ClientUsername": "Jane Doe",
    "DownstreamContentSize": 5,
    "DownstreamStatus": 200,
    "Duration": 126000,
    "OriginStatus": 0,
    "RequestHost": "www.example.org",
    "RequestMethod": "GET",
    "RequestPath": "/a?x=1",
    "RequestProtocol": "HTTP/1.1",
    "StartUTC": "2026-11-10T10:00:00.000167167Z",
    "request_User-Agent": AGENT,
    "request_Referer": "https://x.example/",
    "level": "info",
    "msg": "",
    "time": "2026-11-10T10:00:03Z",
}
APACHE = {
    "time": "[10/Nov/2026:10:00:00 +0000]",
    "remoteIP": "198.51.100.7",
    "host": "www.example.org",
    "request": "/a",
    "query": "?x=1",
    "method": "GET",
    "protocol": "HTTP/1.1",
    "status": "200",
    "size": "5",
    "user": "Jane Doe",
    "userAgent": AGENT,
    "referer": "https://x.example/",
}
PARTS = {
    "@timestamp": "2026-11-10T10:00:00.000Z",
    "clientip": "198.51.100.7",
    "vhost": "www.example.org",
    "verb": "GET",
    "url": "/a",
    "args": "x=1",
    "server_protocol": "HTTP/1.1",
    "response": 200,
    "bytes": 5,
    "auth_user": "Jane Doe",
    "agent": AGENT,
    "referrer": "https://x.example/",
}
NESTED = {
    "@timestamp": "2026-11-10T10:00:00.000Z",
    "source": {"address": "198.51.100.7", "ip": "198.51.100.7"},
    "http": {
        "request": {"method": "GET", "referrer": "https://x.example/"},
        "response": {"status_code": 200, "body": {"bytes": 5}},
        "version": "HTTP/1.1",
    },
    "url": {"original": "/a?x=1", "domain": "www.example.org"},
    "user": {"name": "Jane Doe"},
    "user_agent": {"original": AGENT},
}


@pytest.mark.parametrize("content", [NGINX, CADDY, TRAEFIK, APACHE, PARTS, NESTED])
def test_it_works(content: dict[str, Any]) -> None:
    fields = read_line(json.dumps(content))
    assert (fields.layout, fields.escaped) == ("JSON", False)
    assert (fields.address, fields.user, fields.host) == ("198.51.100.7", "Jane Doe", "www.example.org")
    assert (fields.method, fields.target, fields.version) == ("GET", "/a?x=1", "HTTP/1.1")
    assert (fields.status, fields.size) == ("200", "5")
    assert (fields.referrer, fields.user_agent) == ("https://x.example/", AGENT)
    assert time_ms(fields.time) == MOMENT


def changed(**fields: object) -> str:
    content = {**NGINX, **fields}
    return json.dumps({name: value for name, value in content.items() if value is not None})


def test_what_is_not_named_is_absent() -> None:
    names = ("remote_user", "body_bytes_sent", "http_referer", "http_user_agent", "host")
    fields = read_line(changed(**dict.fromkeys(names)))
    assert (fields.user, fields.size, fields.referrer, fields.user_agent, fields.host) == ("-", "-", "-", "-", "")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (changed(remote_addr=None), NO_ADDRESS),
        (changed(remote_addr="unknown"), NO_ADDRESS),
        (changed(time_iso8601=None), NO_TIME),
        (changed(status="-"), NO_REQUEST),
        (changed(request="GET /"), NO_REQUEST),
        (changed(request=None), NO_REQUEST),
        ('{"level":"info","msg":"server running"}', OTHER_FORMAT),
        (changed()[:-1], OTHER_FORMAT),
        ("{}", OTHER_FORMAT),
        ("{", OTHER_FORMAT),
        ('{"a":' * 100_000, OTHER_FORMAT),
        ('{"a":' + "[" * 50_000 + "]" * 50_000 + "}", OTHER_FORMAT),
        ('{"status":' + "9" * 5_000 + "}", OTHER_FORMAT),
    ],
)
def test_what_cannot_be_read(line: str, cause: str) -> None:
    with pytest.raises(UnreadableLine) as caught:
        read_line(line)
    assert str(caught.value) == cause


def test_escapes_of_the_server_are_read() -> None:
    """nginx writes them unless the format says `escape=json`, and then the line is no JSON."""
    fields = read_line(changed(http_user_agent="AGENT").replace("AGENT", r"a \x22b\x22 \xC3\xA9 c\u00e4"))
    assert (fields.escaped, fields.user_agent) == (False, 'a "b" é cä')


@pytest.mark.parametrize("before", ["\0\0", " ", "\ufeff"])
def test_signs_before_the_object(before: str) -> None:
    assert read_line(before + changed()).address == "198.51.100.7"


def test_a_proxy_forwards_the_address() -> None:
    line = changed(remote_addr="10.0.0.1", http_x_forwarded_for="198.51.100.7, 10.0.0.2")
    assert read_line(line).address == "198.51.100.7"
    assert read_line(changed(http_x_forwarded_for="203.0.113.9")).address == "198.51.100.7"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NGINX, "request", "ts"]), inner),
)


@given(st.dictionaries(st.sampled_from([*NGINX, *CADDY, *TRAEFIK]), values))
def test_no_object_raises_anything_else(content: dict[str, object]) -> None:
    try:
        fields = read_line(json.dumps({**NGINX, **content}))
    except UnreadableLine:
        return
    assert all(isinstance(text, str) for text in (fields.address, fields.target, fields.status, fields.time))
    time_ms(fields.time)
