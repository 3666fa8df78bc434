"""What the files of `deploy/` say is what the program does."""

import re
from pathlib import Path
from typing import Final

import pytest

from analytics_site.bridge import MAX_BODY_BYTES as PAGE_BYTES
from collection.collector.app import PATHS
from collection.collector.http import MAX_BODY_BYTES, MAX_URL_BYTES
from tests.services.balancer import balancer_file, with_ports

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
NGINX: Final = (DEPLOY / "nginx.conf").read_text()
HAPROXY: Final = (DEPLOY / "haproxy.cfg").read_text()


def location(path: str) -> str:
    """What nginx does with it."""
    return NGINX.partition(f"location {path} {{")[2].partition("}")[0]


def test_it_works() -> None:
    assert "127.0.0.1:19" in balancer_file("nginx.conf", 19, [20, 21], [22])


@pytest.mark.parametrize("name", ["nginx.conf", "haproxy.cfg"])
def test_tests_know_every_port(name: str) -> None:
    text = balancer_file(name, 21, [22, 23], [24, 25])
    assert {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)} == {21, 22, 23, 24, 25}


def test_a_port_that_is_gone_is_noticed() -> None:
    with pytest.raises(ValueError, match="ports are not there"):
        with_ports("listen 127.0.0.1:8080", {8080: 1, 9090: 2})


def test_nginx_sends_hits_to_the_collectors() -> None:
    (pattern,) = re.findall(r"location ~ (\S+) \{", NGINX)
    for path in PATHS:
        assert re.search(pattern, path)
        assert re.search(pattern, f"/folder{path}")
        assert not re.search(pattern, f"{path}/more")
    assert "proxy_pass http://collectors;" in location(f"~ {pattern}")
    assert "proxy_pass http://reporting;" in location("/")


def test_haproxy_sends_hits_to_the_collectors() -> None:
    assert f"acl hit path_end {' '.join(PATHS)} " in HAPROXY
    assert f"acl hit path,url_dec -m end {' '.join(PATHS)}\n" in HAPROXY
    assert "acl health path,url_dec /healthz /readyz\n" in HAPROXY
    assert "use_backend collectors if hit or health\n" in HAPROXY


def test_nginx_lets_through_what_we_take() -> None:
    hits, pages = re.findall(r"client_max_body_size (\d+[km]);", NGINX)
    assert (size(hits), size(pages)) == (MAX_BODY_BYTES, PAGE_BYTES)
    (lines,) = re.findall(r"large_client_header_buffers \d+ (\d+k);", NGINX)
    assert size(lines) > MAX_URL_BYTES


def test_haproxy_lets_through_what_we_take() -> None:
    hits, pages = map(int, re.findall(r"req\.hdr_val\(content-length\) gt (\d+)", HAPROXY))
    assert (hits, pages) == (MAX_BODY_BYTES, PAGE_BYTES)


def test_haproxy_holds_a_whole_hit_so_that_it_can_be_sent_again() -> None:
    (buffer,), (spared,) = re.findall(r"tune\.bufsize (\d+)", HAPROXY), re.findall(r"tune\.maxrewrite (\d+)", HAPROXY)
    assert int(buffer) - int(spared) > MAX_BODY_BYTES + MAX_URL_BYTES + 8192


def test_what_a_client_says_of_itself_is_not_passed_on() -> None:
    assert re.findall(r"proxy_set_header X-Forwarded-For (\S+);", NGINX) == ["$remote_addr"]
    assert re.findall(r"X-Forwarded-For (\S+)", HAPROXY) == ["%[src]"]


def test_neither_writes_addresses_down() -> None:
    assert "access_log off;" in NGINX
    assert "error_log stderr emerg;" in NGINX
    assert not re.search(r"^\s*(log |option httplog)", HAPROXY, re.MULTILINE)


def size(text: str) -> int:
    return int(text[:-1]) * {"k": 1024, "m": 1024 * 1024}[text[-1]]
