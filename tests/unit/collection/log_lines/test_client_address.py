"""The client's address in a field, whatever stands around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.log_lines.client_address import find_address, find_site, is_address, is_host, is_private


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:51234", "198.51.100.7"),
        ("198.51.100.7,", "198.51.100.7"),
        ("198.51.100.7;", "198.51.100.7"),
        ('"198.51.100.7"', "198.51.100.7"),
        ("(198.51.100.7)", "198.51.100.7"),
        ("\0" * 64 + "198.51.100.7", "198.51.100.7"),
        ("\x01\x1b198.51.100.7\x7f", "198.51.100.7"),
        ("\ufeff198.51.100.7", "198.51.100.7"),
        ("2001:db8::5", "2001:db8::5"),
        ("[2001:db8::5]", "2001:db8::5"),
        ("[2001:db8::5]:51234", "2001:db8::5"),
        ("2001:db8::5,", "2001:db8::5"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8:0:0:0:0:0:5:51234", "2001:db8:0:0:0:0:0:5"),
        ("::ffff:198.51.100.7", "::ffff:198.51.100.7"),
        ("::ffff:198.51.100.7:51234", "::ffff:198.51.100.7"),
        ("198.51.100.7,203.0.113.9", "198.51.100.7"),
        ("10.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1, 192.168.0.7", "10.0.0.1"),
        ("unknown, 198.51.100.7", "198.51.100.7"),
        ('for="[2001:db8::5]:4711";proto=https', "2001:db8::5"),
    ],
)
def test_it_works(text: str, address: str) -> None:
    assert find_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "unknown", "unix:", "192.0.2", "192.0.2.256", "999.1.1.1", "198.51.100.7.9", "1.2.3.4.example.net"),
        *("host-198.51.100.7", "198.51.100.7-9", "x198.51.100.7", "10:00:00", "::x", "2001:db8", "a" * 2_000, ":", "."),
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert find_address(text) is None
    assert not is_address(text)


def test_names_of_hosts() -> None:
    assert [is_host(text) for text in ("a.example", "x-1.a.example.", "localhost")] == [True] * 3
    wrong = ("", "-", "unknown", "192.0.2.7", "a..example", "a.example:80", "a b.example", "ä.example", "a." * 200)
    assert [is_host(text) for text in wrong] == [False] * len(wrong)


def test_names_of_sites() -> None:
    assert [find_site(text) for text in ("www.example.org", "www.example.org:443")] == ["www.example.org"] * 2
    assert [find_site(text) for text in ("_", "-", "localhost", "192.0.2.7:80", "[2001:db8::5]:80", "")] == [""] * 6


def test_private_networks() -> None:
    private = ("10.1.2.3", "172.31.0.1", "192.168.1.1", "127.0.0.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1")
    assert [is_private(text) for text in private] == [True] * len(private)
    assert [is_private(text) for text in ("198.51.100.7", "172.32.0.1", "2001:db8::5", "a.example")] == [False] * 4


@given(st.ip_addresses().map(str), st.text("\0\x01\x1f \t,;()\"'", max_size=5), st.text("\0 ,;()\"'", max_size=5))
def test_an_address_is_found_between_signs(address: str, before: str, after: str) -> None:
    assert find_address(before + address + after) == address


@given(st.text() | st.text("0123456789abcdef:.,[]% ", max_size=80))
def test_what_is_found_is_an_address(text: str) -> None:
    found = find_address(text)
    assert found is None or (is_address(found) and found in text)
