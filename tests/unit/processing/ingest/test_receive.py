"""Receive: entries of the log in, raw rows out; every entry has its row, and no row has a full address."""

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import quote, quote_plus

import msgspec
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit, encode
from collection.protocols import PROTOCOLS, Decoded, Protocol
from configuration.ruleset.context import Context, ReceiveSettings
from processing.ingest.decode import decode_hits
from processing.ingest.geoip import GeoDatabase, NoGeoDatabase, open_geo_database
from processing.ingest.ip_masking import canonical
from processing.ingest.receive import receive
from processing.ingest.visitor_keys import ByClientId, ByDay, ByProperty, MissingSalt, VisitorKeyFactory
from processing.schema import PARAMETERS, RAW
from tests.support.places_file import write_places

HOUR = 3_600_000
RECEIVED = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 1000
KEYS = VisitorKeyFactory(
    b"secret", {date(2026, 11, 24): b"today", date(2026, 11, 25): b"tomorrow"}, {1: b"one", 2: b"two"}
)
CONTEXT = Context(
    (
        ReceiveSettings(1, "G-ONE"),
        ReceiveSettings(2, "G-TWO", identity="cookieless"),
        ReceiveSettings(3, "G-THREE", address_bits=(0, 0)),
    )
)
patient = settings(deadline=None)  # the first frames take long
AGENT = "Mozilla/5.0 (X11)"
HIT = RawHit(
    FORMAT, "id1", RECEIVED * 1000, "ga4", "192.0.2.17", AGENT, {}, b"v=2&tid=G-ONE&cid=c1&sid=s1&en=page_view", b""
)
LINE = b'192.0.2.17 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11)"'
V4, V6 = "203.0.113.0%3A80", "2001%3Adb8%3A1%3A%3A"
LOG_HIT = RawHit(FORMAT, "id1", RECEIVED * 1000, "access_log", "", "", {}, b"", LINE, 1, 1_431_857_103_000)


def hit(query: bytes = HIT.query, base: RawHit = HIT, **changes: object) -> RawHit:
    return msgspec.structs.replace(base, query=query, **changes)


def frames(
    *hits: RawHit | bytes, keys: VisitorKeyFactory = KEYS, places: GeoDatabase | None = None
) -> dict[int, pl.DataFrame]:
    data = [entry if isinstance(entry, bytes) else encode(entry) for entry in hits]
    return receive(decode_hits(enumerate(data, start=100)), CONTEXT, keys, places or NoGeoDatabase())


def rows(*hits: RawHit | bytes, places: GeoDatabase | None = None) -> list[dict[str, object]]:
    found = [row for frame in frames(*hits, places=places).values() for row in frame.iter_rows(named=True)]
    return sorted(found, key=lambda row: (row["position"], row["index"]))


def row(entry: RawHit | bytes) -> dict[str, object]:
    (only,) = rows(entry)
    return only


def number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def test_it_works() -> None:
    found = frames(HIT)
    assert list(found) == [1]
    assert dict(found[1].schema) == RAW
    said = {name: value for name, value in found[1].row(0, named=True).items() if value is not None}
    assert said == {
        "position": 100,
        "index": 0,
        "time": RECEIVED,
        "received_us": RECEIVED * 1000,
        "stable": True,
        "visitor": KEYS.key(ByClientId("G-ONE", "c1")),
        "hit": number("id1"),
        "client_session": number("s1"),
        "sequence": 0,
        "protocol": "ga4",
        "address": "192.0.2.0",
        "user_agent": AGENT,
        "en": "page_view",
        "cid": "c1",
        "sid": "s1",
        "rest": "v=2&tid=G-ONE",
    }


def test_nothing_comes_of_nothing() -> None:
    assert frames() == {}


def test_every_parameter_of_a_protocol_has_its_column() -> None:
    assert set(PARAMETERS) == set().union(*(protocol.parameters for protocol in PROTOCOLS.values()))
    assert set(PROTOCOLS) == {"ga4", "access_log"}


def test_each_event_of_a_hit_is_a_row() -> None:
    body = b"en=scroll&_s=7\nen=click&_s=x\nen=click&_s=99999999999"
    found = rows(HIT, hit(b"v=2&tid=G-ONE&cid=c2", id="id2", body=body), hit(id="id3"))
    assert [(r["position"], r["index"], r["en"], r["sequence"]) for r in found] == [
        (100, 0, "page_view", 0),
        (101, 0, "scroll", 7),
        (101, 1, "click", 0),
        (101, 2, "click", 0),
        (102, 0, "page_view", 0),
    ]
    assert [r["hit"] for r in found] == [number(text) for text in ("id1", "id2", "id2", "id2", "id3")]


@pytest.mark.parametrize(
    ("age", "used"),
    [
        (0, True),
        (72 * HOUR, True),
        (72 * HOUR + 1, False),
        (-10 * 60_000, True),
        (-10 * 60_000 - 1, False),
    ],
)
def test_a_trackers_time_counts_within_the_window(age: int, used: bool) -> None:
    created = RECEIVED - age
    found = row(hit(HIT.query + b"&_hid=h9&_hts=%d" % created))
    assert found["hit"] == number("h9")
    assert (found["time"], found["stable"]) == ((created, True) if used else (RECEIVED, False))
    assert found["rest"] == "v=2&tid=G-ONE" + ("" if used else f"&_hts={created}")


def test_a_time_without_an_id_or_an_id_without_a_time() -> None:
    alone = row(hit(HIT.query + b"&_hts=%d" % (RECEIVED - 5)))
    assert (alone["time"], alone["stable"], alone["hit"]) == (RECEIVED, True, number("id1"))
    assert str(alone["rest"]).endswith(f"_hts={RECEIVED - 5}")
    timeless = row(hit(HIT.query + b"&_hid=h9"))
    assert (timeless["time"], timeless["stable"], timeless["hit"]) == (RECEIVED, False, number("h9"))


def test_a_trusted_time_always_wins() -> None:
    found = row(hit(HIT.query + b"&_hid=h9&_hts=%d" % RECEIVED, occurred=5))
    assert (found["time"], found["stable"], found["hit"]) == (5, True, number("h9"))


def test_properties() -> None:
    found = frames(
        hit(HIT.query.replace(b"G-ONE", b"G-TWO")),
        HIT,
        hit(HIT.query.replace(b"G-ONE", b"G-NONE")),
        hit(b""),
        hit(property=3),
        hit(property=99),
    )
    assert list(found) == [0, 1, 2, 3]
    assert {property_: frame["position"].to_list() for property_, frame in found.items()} == {
        0: [102, 103, 105],
        1: [101],
        2: [100],
        3: [104],
    }
    assert all(dict(frame.schema) == RAW for frame in found.values())


def test_an_unknown_property_keeps_its_visitors_when_it_is_registered() -> None:
    early = row(hit(HIT.query.replace(b"G-ONE", b"G-NEW")))
    assert early["visitor"] == KEYS.key(ByClientId("G-NEW", "c1"))


def test_visitors() -> None:
    day = date(2026, 11, 24)
    cookieless = KEYS.key(ByDay(day, "G-TWO", "192.0.2.17", AGENT))
    assert row(hit(property=2))["visitor"] == cookieless
    assert row(hit(property=2, address="::ffff:192.0.2.17"))["visitor"] == cookieless
    assert row(hit(b"tid=G-ONE&en=a"))["visitor"] == KEYS.key(ByDay(day, "G-ONE", "192.0.2.17", AGENT))
    assert row(LOG_HIT)["visitor"] == KEYS.key(ByProperty(1, "G-ONE", "192.0.2.17", AGENT))


def test_the_day_of_a_key_is_that_of_receipt_in_utc() -> None:
    midnight = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp()) * 1_000_000
    last, first = rows(hit(property=2, received=midnight - 1), hit(property=2, received=midnight))
    assert last["visitor"] == KEYS.key(ByDay(date(2026, 11, 24), "G-TWO", "192.0.2.17", AGENT))
    assert first["visitor"] == KEYS.key(ByDay(date(2026, 11, 25), "G-TWO", "192.0.2.17", AGENT))


def test_a_missing_salt_stops_the_range_and_names_the_day() -> None:
    with pytest.raises(MissingSalt, match="2026-11-24"):
        frames(hit(property=2), keys=VisitorKeyFactory(b"secret", {}, {}))
    with pytest.raises(MissingSalt, match="property 1"):
        frames(LOG_HIT, keys=VisitorKeyFactory(b"secret", {}, {}))


def test_lines_of_access_logs() -> None:
    found = row(LOG_HIT)
    assert {name: found[name] for name in ("time", "stable", "protocol", "error", "address", "user_agent")} == {
        "time": 1_431_857_103_000,
        "stable": True,
        "protocol": "access_log",
        "error": None,
        "address": "192.0.2.0",
        "user_agent": AGENT,
    }
    assert (found["method"], found["status"], found["target"], found["size"], found["sid"]) == (
        "GET",
        "200",
        "/a",
        "5",
        None,
    )


def test_a_malformed_line_is_kept_without_its_address() -> None:
    found = row(hit(base=LOG_HIT, body=b'192.0.2.17 2001:db8:1:2::3 [broken] "GET /a HTTP/1.1"'))
    assert (found["error"], found["address"]) == ("malformed", None)
    assert found["rest"] == "line=" + quote_plus('192.0.2.0 2001:db8:1:: [broken] "GET /a HTTP/1.1"')


@pytest.mark.parametrize(
    "first",
    [
        *(b"192.0.2.17:4711", b"192.0.2.17,", b"\0" * 9 + b"192.0.2.17", b"[::ffff:192.0.2.17]:80"),
        *(b"192.0.2.17, 10.0.0.1", b"www.example.org:443 192.0.2.17", b'"192.0.2.17"'),
    ],
)
def test_a_visitor_is_the_address_in_the_first_field(first: bytes) -> None:
    found = row(hit(base=LOG_HIT, body=LINE.replace(b"192.0.2.17", first)))
    assert (found["visitor"], found["address"]) == (row(LOG_HIT)["visitor"], "192.0.2.0")
    assert "192.0.2.17" not in str(found)


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (LINE.replace(b"- - [", b"- Jane Doe ["), "version=HTTP%2F1.1&user=Jane+Doe"),
        (LINE.replace(b"- - [", b'- "Jane 192.0.2.17" ['), "version=HTTP%2F1.1&user=Jane+192.0.2.0"),
        (
            LINE.replace(b"- - [", b"2001:db8:1:2::3 Jane 203.0.113.9:80 ["),
            f"version=HTTP%2F1.1&ident={V6}&user=Jane+{V4}",
        ),
        (LINE + b' "203.0.113.9, 192.0.2.17" 203.0.113.9', "version=HTTP/1.1"),
    ],
)
def test_addresses_beside_the_visitors_are_masked(line: bytes, rest: str) -> None:
    found = row(hit(base=LOG_HIT, body=line))
    assert (found["error"], found["rest"]) == (None, rest)
    assert "192.0.2.17" not in str(found)


def test_a_line_without_an_address_is_malformed_and_masked() -> None:
    found = row(hit(base=LOG_HIT, body=LINE.replace(b"192.0.2.17 - -", b"unknown 999 Jane 203.0.113.9")))
    assert (found["error"], found["address"]) == ("malformed", None)
    assert "203.0.113.0" in str(found["rest"])
    assert "203.0.113.9" not in str(found)


def test_the_format_of_a_line_goes_with_its_hit() -> None:
    line = b"192.0.2.17|200|GET /a HTTP/1.1|Mozilla/5.0 (X11)|1431857103"
    found = row(hit(base=LOG_HIT, body=line, headers={"format": "%h|%s|%r|%{User-Agent}i|%{sec}t"}))
    assert found["visitor"] == row(LOG_HIT)["visitor"]
    assert (found["error"], found["target"], found["status"]) == (None, "/a", "200")


def test_places_are_looked_up_by_the_full_address(tmp_path: Path) -> None:
    path = write_places(tmp_path / "p.mmdb", {"192.0.2.17/32": {"country": "DE", "region": "Berlin", "city": "Mitte"}})
    found = rows(
        HIT,
        hit(address="192.0.2.18"),
        hit(HIT.query + b"&_uip=192.0.2.17", address="192.0.2.18"),
        places=open_geo_database(path),
    )
    assert [(r["country"], r["region"], r["city"]) for r in found] == [
        ("DE", "Berlin", "Mitte"),
        (None, None, None),
        ("DE", "Berlin", "Mitte"),
    ]


def test_an_override_that_is_no_address_changes_nothing() -> None:
    found = row(hit(HIT.query + b"&_uip=nonsense", property=2))
    assert found["visitor"] == row(hit(property=2))["visitor"]
    assert found["address"] == "192.0.2.0"


def test_no_address_is_kept_where_the_property_keeps_none() -> None:
    found = row(hit(HIT.query + b"&uip=192.0.2.17&ep.ip=192.0.2.17", property=3))
    assert found["address"] is None
    assert found["rest"] == "v=2&tid=G-ONE&uip=0.0.0.0&ep.ip=0.0.0.0"


ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda address: int(address) & 0xFF and not ip_address(canonical(str(address))).is_loopback
)
PLACES_OF_AN_ADDRESS = ["{}", "a{}b", "https://x.org/?ip={}&y=1", '{{"ip":"{}"}}', "[{}]:80"]


@patient
@given(
    address=ADDRESSES,
    other=ADDRESSES,
    texts=st.lists(
        st.tuples(
            st.sampled_from(["dl", "dt", "dr", "cid", "ep.ip", "en", "x", "uap"]), st.sampled_from(PLACES_OF_AN_ADDRESS)
        )
    ),
    override=st.sampled_from([None, "_uip", "uip", "ip_override", "utmip"]),
    upper=st.booleans(),
    encode_text=st.sampled_from([quote_plus, quote, str]),
    in_body=st.booleans(),
    property_=st.sampled_from([0, 1, 2, 3]),
)
def test_no_full_address_is_in_a_row(
    address: IPv4Address | IPv6Address,
    other: IPv4Address | IPv6Address,
    texts: list[tuple[str, str]],
    override: str | None,
    upper: bool,
    encode_text: type[str],
    in_body: bool,
    property_: int,
) -> None:
    full = str(address).upper() if upper else str(address)
    pieces = [f"{name}={encode_text(shape.format(full))}" for name, shape in texts]
    if override:
        pieces.append(f"{override}={encode_text(str(other))}")
    data = "&".join(pieces).encode()
    query, body = (b"tid=G-ONE", data) if in_body else (b"tid=G-ONE&" + data, b"")
    agent = f"agent at {full}"
    sent = hit(
        query,
        body=body,
        address=str(address),
        user_agent=agent,
        property=property_,
        headers={"sec-ch-ua-model": f'"{full}"'},
    )
    hidden = [str(address)] + ([str(other)] if override else [])
    assert not leaks(rows(sent), hidden)


@patient
@given(ADDRESSES, st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_no_full_address_is_in_the_row_of_a_line(
    address: IPv4Address | IPv6Address, before: str, after: str, broken: bool
) -> None:
    line = (
        LINE.decode()
        .replace("192.0.2.17", str(address))
        .replace("/a", f"/a?ip={address}")
        .replace("X11", f"X11 {address}")
    )
    line = f"{before} {line}{after}" if broken else line
    assert not leaks(rows(hit(base=LOG_HIT, body=line.encode())), [str(address)])


@patient
@given(ADDRESSES, st.binary(max_size=20), st.binary(max_size=20))
def test_no_full_address_is_in_the_row_of_unreadable_bytes(
    address: IPv4Address | IPv6Address, before: bytes, after: bytes
) -> None:
    assert not leaks(rows(b"\xff" + before + str(address).encode() + after), [str(address)])


def leaks(found: Sequence[dict[str, object]], addresses: Sequence[str]) -> list[str]:
    texts = [str(value).lower().replace("%3a", ":") for r in found for value in r.values() if isinstance(value, str)]
    return [text for text in texts for address in addresses if address in text]


def test_bytes_that_are_no_hit_are_a_row(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    first, good, second = rows(b"\xc1garbage 192.0.2.17", HIT, encode(hit(format=99, id="x")))
    assert [r["error"] for r in (first, good, second)] == [
        "processing error: UnknownProtocol",
        None,
        "processing error: UnknownProtocol",
    ]
    assert first["rest"] == "query=&body=" + quote_plus("\ufffdgarbage 192.0.2.0")
    assert {r["received_us"] for r in (first, good, second)} == {RECEIVED * 1000}
    assert first["hit"] != second["hit"]
    assert list(frames(b"", b"\x00")) == [0]


def test_a_fault_of_a_protocol_costs_only_its_hit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(hit: RawHit) -> Decoded:
        raise ZeroDivisionError(hit.address)

    monkeypatch.setitem(PROTOCOLS, "broken", Protocol("broken", explode, frozenset()))
    good, bad = rows(HIT, hit(b"a=1&b=192.0.2.17", protocol="broken", property=1))
    assert (good["error"], good["en"]) == (None, "page_view")
    assert (bad["error"], bad["rest"]) == ("processing error: ZeroDivisionError", "query=a%3D1%26b%3D192.0.2.0&body=")
    assert "cannot be decoded" in caplog.text
    assert "explode" in caplog.text
    assert "192.0.2.17" not in caplog.text


@pytest.mark.parametrize(
    "changes", [{"received": -1}, {"received": 2**63}, {"occurred": 2**63}, {"occurred": -(2**62)}, {"property": 2**63}]
)
def test_numbers_that_no_calendar_holds_cost_only_their_hit(changes: dict[str, int]) -> None:
    bad, good = rows(msgspec.structs.replace(HIT, **changes), HIT)
    assert good["error"] is None
    assert bad["position"] == 100


@patient
@given(
    st.lists(
        st.binary(max_size=60)
        | st.builds(lambda q, b: encode(hit(q, body=b)), st.binary(max_size=60), st.binary(max_size=60))
    )
)
@example([b"\x99\x00\xa2\x00\x80"])  # a text that is not UTF-8
def test_no_bytes_stop_a_range(entries: list[bytes]) -> None:
    found = rows(*entries)
    assert [r["position"] for r in found if r["index"] == 0] == list(range(100, 100 + len(entries)))


def test_the_same_range_gives_the_same_frames() -> None:
    hits = [hit(HIT.query + b"&ep.n=%d" % n, id=f"id{n}", property=n % 4) for n in range(50)]
    once, again = frames(*hits), frames(*hits)
    assert all(once[number_].equals(again[number_]) for number_ in once)
    one_by_one = [row(entry) for entry in hits]
    together = rows(*hits)
    assert [r | {"position": 0} for r in one_by_one] == [r | {"position": 0} for r in together]
