"""Addresses in escapes: however they are written, they are found, masked, and what is around them stays as it was."""

import random
from ipaddress import ip_address
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit
from collection.protocols import GA4
from collection.protocols.access_log import PROTOCOL
from configuration.ruleset.context import Context
from processing.ingest.geoip import NoGeoDatabase
from processing.ingest.hidden_text import decode_escapes, decode_with_sources
from processing.ingest.ip_masking import contains_address, mask_address, mask_content, mask_rest, mask_text
from processing.ingest.personal_data import clean_parameters, clean_text
from processing.ingest.receive import receive
from processing.ingest.visitor_keys import VisitorKeyFactory, utc_day
from tests.support.installation import SHOP

BITS = (24, 48)
IPV4, IPV6 = "203.0.113.77", "2001:db8:77:88::99"
NOW_US = 1_767_225_600_000_000


def percent(text: str, depth: int = 1, *, upper: bool = False) -> str:
    """Every character as an escape, so many times."""
    for _ in range(depth):
        text = "".join(f"%{ord(each):02X}" if upper else f"%{ord(each):02x}" for each in text)
    return text


def dots(text: str, by: str) -> str:
    return text.replace(".", by).replace(":", by.replace("2e", "3a").replace("2E", "3A"))


SPELLINGS = {
    "as it is": lambda address: address,
    "dots": lambda address: dots(address, "%2e"),
    "dots in capitals": lambda address: dots(address, "%2E"),
    "dots twice": lambda address: dots(address, "%252E"),
    "dots five times": lambda address: dots(address, "%252525252e"),
    "everything": percent,
    "everything twice": lambda address: percent(address, 2),
    "everything thrice": lambda address: percent(address, 3, upper=True),
    "quoted twice": lambda address: quote(quote(percent(address), safe=""), safe=""),
    "json": lambda address: dots(address, r"\u002e"),
    "json, all of it": lambda address: "".join(f"\\u{ord(each):04X}" for each in address),
    "json in json": lambda address: dots(address, r"\\u002e"),
    "json, quoted": lambda address: quote(dots(address, r"\u002e"), safe=""),
    "hexadecimal": lambda address: dots(address, r"\x2e"),
    "javascript": lambda address: dots(address, "%u002e"),
}
AROUND = {
    "alone": "{}",
    "a value": "a=1&b=x+y%20{}+z&c=%26",
    "a key": "{}=1&b=2",
    "a nested address": "https%3A%2F%2Fother.example%2F%3Fto%3Dhttps%253A%252F%252Fx.example%252F%253Fip%253D{}",
    "json": '{{"ip":"{}","caf\u00e9":"%C3%A9"}}',
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize(
    "own", [IPV4, IPV6, IPV6.upper(), "2001:0db8:0077:0088:0000:0000:0000:0099", "crawler.example"]
)
def test_it_works(own: str, spelling: object, around: str) -> None:
    """The own address is masked; nothing else of the text changes."""
    written = spelling(own)  # type: ignore[operator]
    text = around.format(written)
    assert contains_address(text, own)
    masked = mask_address(text, own, BITS)
    kept = {IPV4: "203.0.113.0", "crawler.example": "-"}.get(own, "2001:db8:77::")
    assert masked == around.format(kept)
    assert own.lower() not in decode_escapes(masked).lower()
    assert not contains_address(masked, own) or own == kept


@pytest.mark.parametrize("own", [IPV4, IPV6, "crawler.example"])
def test_other_texts_stay(own: str) -> None:
    for text in (
        "%",
        "%%",
        "100%",
        "%zz",
        "\\",
        "\\u12",
        "a%2Eb",
        "%2525",
        "https%3A%2F%2Fx.example%3A80",
        "%C3%A9%F0%9F",
    ):
        assert not contains_address(text, own)
        assert mask_address(text, own, BITS) == text


def test_an_address_that_is_its_own_mask() -> None:
    assert mask_address("203%2E0.113.0 %2E", "203.0.113.0", BITS) == "203.0.113.0 %2E"


@pytest.mark.parametrize(
    "written", ["2001:db8:77:88:0:0:0:99", "2001:DB8:77:88:0::99", "2001:0db8:77:88::0:99", "2001:db8:77:88::0.0.0.153"]
)
def test_spellings_of_ipv6(written: str) -> None:
    for text in (written, percent(written), dots(written, "%252e")):
        assert mask_address(f"a=[{text}]&b", IPV6, BITS) == "a=[2001:db8:77::]&b"


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_any_address_in_content_that_could_not_be_decoded(spelling: object) -> None:
    for address, kept in ((IPV4, "203.0.113.0"), (IPV6, "2001:db8:77::")):
        written = spelling(address)  # type: ignore[operator]
        assert kept in mask_text(f"x {written} y", BITS)
        masked = mask_content(f"body={quote_plus(written)}", BITS)
        assert address not in decode_escapes(masked)
        assert kept in decode_escapes(masked)


def test_overrides_in_json_and_in_escapes() -> None:
    for text in (r'{"\u0075ip":"203.0.113.77"}', "ep.a=%7B%22uip%22%3A%22203%252E0%252E113%252E77%22%7D"):
        assert IPV4 not in decode_escapes(mask_rest(text, BITS))


@pytest.mark.parametrize("protocol", [GA4, PROTOCOL.name])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("address", [IPV4, IPV6])
def test_no_column_of_raw_hits_has_it(address: str, spelling: object, protocol: str) -> None:
    written = spelling(address)  # type: ignore[operator]
    agent = f"Browser {written}"
    link = quote_plus(f"https://shop.example/?next=https%3A%2F%2Fx.example%2F%3Fa%3D{written}&ip={written}")
    query = f"v=2&tid={SHOP.measurement_id}&cid=1.1&en=page_view&dl={link}&dr={link}&dt={written}"
    query += f"&ep.x={written}&{written}=1"
    body, occurred = b"", None
    if protocol == PROTOCOL.name:
        request = f"GET /a?ip={written} HTTP/1.1"
        line = f'{address} - {written} [20/Nov/2026:10:05:03 +0000] "{request}" 200 12 "{link}" "{agent}"'
        query, body, occurred = "", line.encode(), NOW_US // 1000
    hit = RawHit(FORMAT, "1", NOW_US, protocol, address, agent, {}, query.encode(), body, SHOP.id, occurred)
    keys = VisitorKeyFactory(b"secret", {utc_day(NOW_US): b"salt"}, {SHOP.id: b"salt"})
    (frame,) = receive([(1, hit)], Context((SHOP,)), keys, NoGeoDatabase()).values()
    for name, value in frame.row(0, named=True).items():
        assert address not in decode_escapes(str(value)), name


@given(st.text("%2eE5340u\\x.a", max_size=40))
def test_sources(text: str) -> None:
    """Decoding a source gives the decoded span."""
    found = decode_with_sources(text)
    assert found.text == decode_escapes(text)
    spans = [found.source(at, at + 1) for at in range(len(found.text))]
    assert [start for start, _ in spans] == [0, *(end for _, end in spans)][: len(spans)]


@given(st.ip_addresses(), st.randoms(use_true_random=False), st.text("ab%&=+25", max_size=8))
def test_every_mixture_of_escapes_is_found(address: object, rnd: random.Random, around: str) -> None:
    full = str(address)
    if ip_address(full).is_loopback:
        return
    written = "".join(percent(each, rnd.randrange(3), upper=rnd.random() < 0.5) for each in full)
    masked = mask_address(f"{around} {written} {around}", full, BITS)
    assert f" {full} " not in f"{decode_escapes(masked).lower()}" or str(mask_address(full, full, BITS)) == full


def test_long_hostile_texts_are_masked_in_time() -> None:
    for text in (
        "%25" * 40_000,
        "%2" * 60_000,
        r"\u002e" * 20_000,
        percent(IPV4, 4) * 20,
        f"{dots(IPV4, '%2e')} " * 3_000,
    ):
        mask_text(text, BITS)
        assert IPV4 not in decode_escapes(mask_address(text, IPV4, BITS))


@pytest.mark.parametrize(
    "written",
    [
        "jane%40example.org", "jane%2540example.org", "jane%252540example%2Eorg", r"jane\u0040example.org",
        r"jane\u0040example\u002eorg", r"\u006aane@example.org", "jane%5Cu0040example.org", "jane%2B1%40example.org",
        "%6A%61%6E%65%40%65%78%61%6D%70%6C%65%2E%6F%72%67", "jane%25252525252540example.org",
    ],
)  # fmt: skip
def test_addresses_of_e_mail(written: str) -> None:
    for text in (f"ep.a={written}", f"ep.a=%7B%22x%22%3A%22{quote_plus(written)}%22%7D", f"a=1&b=to+{written}"):
        assert "example" not in decode_escapes(clean_parameters(text)), text
    assert "example.org" not in decode_escapes(clean_text(f"https://shop.test/p/{written}?x={written}#{written}"))


@pytest.mark.parametrize("piece", ["\\", "%", "%25", ":", "1.", "%3A", "\\u002e", "a@", "a%40"])
def test_long_runs_take_time_in_proportion(piece: str) -> None:
    """A pattern that looks at the rest of a run from each of its characters would need hours."""
    check_time(piece * 500_000)


def test_escapes_in_escapes_take_a_few_rounds_only() -> None:
    """Each would be a round over the whole text: `%5cu00255cu002541` is `\\u00255cu002541`, and that `%5cu002541`."""
    text = "%" + "5cu0025" * 17_000 + "41"
    check_time(text)
    assert len(decode_escapes(text)) < len(text)


def check_time(text: str) -> None:
    for address in (IPV4, IPV6):
        assert not contains_address(text, address)
    clean_text(text)
