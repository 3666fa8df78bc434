"""No full address stays, wherever it stands."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.ingest.ip_masking import (
    NO_IPV4,
    canonical,
    contains_address,
    mask_address,
    mask_content,
    mask_rest,
    mask_text,
    truncate,
)

BITS = (24, 48)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def test_it_works() -> None:
    assert truncate("192.0.2.17", BITS) == "192.0.2.0"
    assert truncate("2001:db8:1:2::3", BITS) == "2001:db8:1::"


@pytest.mark.parametrize(
    ("text", "bits", "kept"),
    [
        ("::ffff:192.0.2.17", BITS, "192.0.2.0"),
        ("[2001:db8:1:2::3]", BITS, "2001:db8:1::"),
        ("fe80::1:2%eth0", BITS, "fe80::"),
        ("192.0.2.17", (16, 48), "192.0.0.0"),
        ("192.0.2.17", (0, 0), None),
        ("2001:db8::3", (0, 0), None),
        ("192.0.2.17", (32, 128), "192.0.2.0"),
        ("2001:db8:1:2::3", (32, 128), "2001:db8:1::"),
        ("localhost", BITS, None),
        ("999.0.2.17", BITS, None),
        ("", BITS, None),
    ],
)
def test_truncate(text: str, bits: tuple[int, int], kept: str | None) -> None:
    assert truncate(text, bits) == kept


def test_canonical_has_one_spelling() -> None:
    assert canonical("2001:DB8:0:0::3") == canonical("2001:db8::3") == "2001:db8::3"
    assert canonical("::ffff:192.0.2.17") == "192.0.2.17"
    assert canonical("crawler.example") == "crawler.example"


@given(ADDRESSES, st.text(), st.text())
def test_no_address_stays_in_a_text(address: IPv4Address | IPv6Address, before: str, after: str) -> None:
    full = str(address)
    if full == str(truncate(full, BITS)) or full in before + after:
        return
    assert full not in mask_text(f"{before}{full}{after}", BITS)


@given(ADDRESSES, st.text("0123456789abcdef.:x %", max_size=12), st.text("0123456789abcdef.:x %", max_size=12))
def test_no_address_hides_among_digits(address: IPv4Address | IPv6Address, before: str, after: str) -> None:
    full = str(address)
    if int(address) & 0xFF == 0:
        return
    assert full not in mask_text(f"{before}{full}{after}", BITS)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('192.0.2.17 - - [17/May/2015:10:05:03 +0000] "GET', '192.0.2.0 - - [17/May/2015:10:05:03 +0000] "GET'),
        ("[2001:db8:1:2::3]:8080", "[2001:db8:1::]:8080"),
        ("2001:db8:1:2:3:4:5:6.", "::"),
        ("ip=2001%3Adb8%3A1%3A2%3A%3A3", "ip=2001:db8:1::"),
        ("1.2.3 and 10:20:30", "1.2.3 and 10:20:30"),
        ("1.2.3.456", NO_IPV4),
    ],
)
def test_text(text: str, masked: str) -> None:
    assert mask_text(text, BITS) == masked


def test_long_hostile_text_is_masked_in_time() -> None:
    for text in ("a" * 130_000, ":" * 130_000, "1." * 65_000, "::1 " * 30_000, "%3A" * 40_000):
        mask_text(text, BITS)


@pytest.mark.parametrize(
    ("rest", "masked"),
    [
        ("v=2&_uip=192.0.2.17&ep.a=1", "v=2&_uip=192.0.2.0&ep.a=1"),
        ("uip=2001%3Adb8%3A1%3A2%3A%3A3", "uip=2001%3Adb8%3A1%3A%3A"),
        ("utmip=192.0.2.17&ip_override=192.0.2.18", "utmip=192.0.2.0&ip_override=192.0.2.0"),
        ("_uip=my+phone", "_uip="),
        ("_uip", "_uip="),
        ('{"ip_override":"192.0.2.17"}', "%7B%22ip_override%22%3A%22192.0.2.0%22%7D"),
        (
            "%7B%22ip_override%22%3A%222001%3Adb8%3A1%3A2%3A%3A3%22%7D",
            "%7B%22ip_override%22%3A%222001%3Adb8%3A1%3A%3A%22%7D",
        ),
        ("version=HTTP/1.1&ident=192.0.2.17&user=eve", "version=HTTP/1.1&ident=192.0.2.0&user=eve"),
        ("ep.version=120.0.1.2", "ep.version=120.0.1.2"),
    ],
)
def test_overrides(rest: str, masked: str) -> None:
    assert mask_rest(rest, BITS) == masked


def test_content_is_masked_in_every_value() -> None:
    assert (
        mask_content("query=a%3D192.0.2.17&body=%3A%3A%20192.0.2.18", BITS)
        == "query=a%3D192.0.2.0&body=%3A%3A+192.0.2.0"
    )


@pytest.mark.parametrize(
    ("text", "own", "masked"),
    [
        ("https://x/?ip=192.0.2.17", "192.0.2.17", "https://x/?ip=192.0.2.0"),
        ("192.0.2.18", "192.0.2.17", "192.0.2.18"),
        ("a=2001%3aDB8%3a%3A3", "2001:db8::3", "a=2001:db8::"),
        ("2001:0DB8:0000:0000:0000:0000:0000:0003", "2001:db8::3", "2001:db8::"),
        ("from Host.Example today", "host.example", "from - today"),
        ("192.0.2.170 192.0.2.17.17", "192.0.2.17", "192.0.2.0 192.0.2.0"),
        ("2001:db8::bb", "2001:db8::b", "2001:db8::"),
        ("::b:c:b:c", "::b:c", "::"),
        ("hohost.examplest.example", "host.example", "ho-st.example"),
        ("http://127.0.0.1:8000/", "127.0.0.1", "http://127.0.0.1:8000/"),
        ("local", "local", "local"),
        ("anything", "", "anything"),
    ],
)
def test_own_address(text: str, own: str, masked: str) -> None:
    assert mask_address(text, own, BITS) == masked
    assert contains_address(text, own) == (text != masked)
