"""GA4 hits: every parameter survives, whoever sends it and however broken it is."""

from collections import Counter
from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit
from collection.protocols import ga4
from collection.protocols.decoded import Decoded

QUERY = b"v=2&tid=G-ABC&cid=1.2&sid=1700000000&_p=1&dl=https%3A%2F%2Fexample.org%2Fa%3Fb%3Dc%26d&dt=One+two%20three"
QUERY += b"&_hid=h1&_hts=1790000000000"


def decode(query: bytes, body: bytes = b"", headers: dict[str, str] | None = None) -> Decoded:
    return ga4.decode(RawHit(FORMAT, "id", 0, "ga4", "", "", headers or {}, query, body))


def survivors(event: dict[str, str]) -> Counter[tuple[str, str]]:
    """Counts an event's parameters, from columns and from REST."""
    named = [(name, value) for name, value in event.items() if name != "rest"]
    return Counter(named + parse_qsl(event.get("rest", ""), keep_blank_values=True, errors="replace"))


def test_it_works() -> None:
    decoded = decode(QUERY + b"&en=page_view&ep.kind=a%20b&epn.n=3&seg=1")
    assert decoded == Decoded(
        events=[
            {
                "cid": "1.2",
                "sid": "1700000000",
                "_p": "1",
                "dl": "https://example.org/a?b=c&d",
                "dt": "One two three",
                "en": "page_view",
                "seg": "1",
                "rest": "v=2&tid=G-ABC&ep.kind=a%20b&epn.n=3",
            }
        ],
        measurement_id="G-ABC",
        client_id="1.2",
        client_session="1700000000",
        hit_id="h1",
        created=1_790_000_000_000,
    )


@pytest.mark.parametrize(
    ("sent", "session"),
    [
        ("1747323152", "1747323152"),
        ("GS2.1.s1747323152$o28$g0$t1747323160$j60$l0$h69286059", "1747323152"),
        ("GS2.1.t1747323160$o28$s1747323152", "1747323152"),
        ("GS2.2.s1747323152", "1747323152"),
        ("GS1.1.1747323152.28.0.1747323160.60.0.0", "1747323152"),
        ("GS2.1.o28$g0$t1747323160", "GS2.1.o28$g0$t1747323160"),
        ("GS2", "GS2"),
        ("GSX.1.s5", "GSX.1.s5"),
        ("", ""),
    ],
)
def test_a_session_cookie_sent_whole_names_its_session(sent: str, session: str) -> None:
    decoded = decode(b"v=2&tid=G-ABC&cid=1.2&en=page_view&sid=" + quote_plus(sent).encode())
    assert decoded.client_session == session
    assert decoded.events[0].get("sid", "") == sent


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_a_body_has_an_event_in_each_line(line_break: bytes) -> None:
    body = line_break.join([b"en=scroll&epn.percent=90", b"en=click&_et=12&dt=Own", b""])
    first, second = decode(QUERY, body).events
    assert (first["en"], first["dt"], first["cid"]) == ("scroll", "One two three", "1.2")
    assert (second["en"], second["dt"], second["_et"]) == ("click", "Own", "12")
    assert "epn.percent=90" in first["rest"]
    assert "dt=One+two+three" in second["rest"]


def test_a_beacon_has_everything_in_the_query() -> None:
    assert decode(QUERY + b"&en=user_engagement") == decode(QUERY, b"en=user_engagement")


def test_a_body_alone_is_enough() -> None:
    assert decode(b"", QUERY) == decode(QUERY)


def test_other_line_breaks_do_not_cut_an_event() -> None:
    assert len(decode(QUERY, "en=a&dt=x\u2028y\x0bz\x85".encode()).events) == 1


def test_repeated_names_survive() -> None:
    event = decode(b"en=a&en=b&dt=&dt=x&ep.x=1&ep.x=2").events[0]
    assert (event["en"], event["dt"], event["rest"]) == ("a", "", "en=b&dt=x&ep.x=1&ep.x=2")


def test_parameter_names_may_be_percent_encoded() -> None:
    decoded = decode(b"e%6E=page_view&%74id=G-X&%5Fuip=192.0.2.1&a+b=c")
    assert (decoded.events[0]["en"], decoded.measurement_id, decoded.address) == ("page_view", "G-X", "192.0.2.1")
    assert decoded.events[0]["rest"] == "tid=G-X&_uip=192.0.2.1&a+b=c"


@pytest.mark.parametrize("stamp", ["", "-1", "1e3", "soon", "٣", "9" * 16])
def test_a_creation_time_that_is_not_a_number_stays_a_parameter(stamp: str) -> None:
    decoded = decode(b"en=a&_hts=" + quote_plus(stamp).encode())
    assert decoded.created is None
    assert survivors(decoded.events[0])[("_hts", stamp)] == 1


def test_client_hints_come_from_headers_if_parameters_lack_them() -> None:
    headers = {
        "sec-ch-ua": '"Chromium";v="132", "Not A(Brand";v="8"',
        "sec-ch-ua-full-version-list": '"Chromium";v="132.0.1.2", "Not;A=Brand";v="8.0"',
        "sec-ch-ua-arch": '"x86"',
        "sec-ch-ua-bitness": '"64"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-model": '""',
        "sec-ch-ua-platform": '"Windows"',
        "sec-ch-ua-platform-version": '"15.0.0"',
        "sec-ch-ua-wow64": "?1",
        "accept-language": "de",
    }
    event = decode(b"en=a&uap=Linux", headers=headers).events[0]
    assert event == {
        "en": "a",
        "uaa": "x86",
        "uab": "64",
        "uamb": "0",
        "uap": "Linux",
        "uapv": "15.0.0",
        "uaw": "1",
        "uafvl": "Chromium;132.0.1.2|Not;A=Brand;8.0",
    }
    assert (
        decode(b"en=a", headers={"sec-ch-ua": headers["sec-ch-ua"]}).events[0]["uafvl"] == "Chromium;132|Not A(Brand;8"
    )


def test_an_empty_hit_is_one_event_without_an_error() -> None:
    assert decode(b"") == Decoded(events=[{}])


def test_a_hit_of_too_many_events_is_kept_once() -> None:
    lines = b"en=a\n" * (ga4.MAX_EVENTS + 1)
    assert len(decode(QUERY, lines[5:]).events) == ga4.MAX_EVENTS
    decoded = decode(QUERY, lines)
    assert decoded.error == "more than 100 events"
    assert (decoded.measurement_id, len(decoded.events)) == ("G-ABC", 1)
    assert parse_qsl(decoded.events[0]["rest"]) == [("query", QUERY.decode()), ("body", lines.decode())]


def test_the_repetition_of_common_parameters_is_limited() -> None:
    query = b"tid=G-ABC&cid=1&" + b"x" * 16_000
    assert decode(query, b"en=a").error is None
    assert len(decode(query, b"en=a\n" * 16).events) == 16
    decoded = decode(query, b"en=a\n" * 17)
    assert (decoded.error, decoded.measurement_id) == ("too many events for so long common parameters", "G-ABC")
    (event,) = decoded.events
    assert len(event["rest"]) < 17_000


NAMES = st.sampled_from([*sorted(ga4.PARAMETERS), "tid", "v", "ep.x", "rest", "_hid", "_hts", "_uip"]) | st.text(
    max_size=8
)
VALUES = st.text(max_size=12) | st.integers(0, 10**14).map(str)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


@given(PAIRS, PAIRS)
def test_every_parameter_survives(common: list[tuple[str, str]], own: list[tuple[str, str]]) -> None:
    query, body = ("&".join(f"{quote_plus(n)}={quote_plus(v)}" for n, v in pairs).encode() for pairs in (common, own))
    decoded = decode(query, body)
    surviving = survivors(decoded.events[0])
    if decoded.hit_id:
        surviving[("_hid", decoded.hit_id)] += 1
    sent = Counter(common + own)
    stamps = [
        pair
        for pair in sent
        if pair[0] == "_hts" and decoded.created is not None and int_of(pair[1]) == decoded.created
    ]
    surviving.update(stamps[:1])
    assert surviving - Counter({("_hid", ""): 9}) == sent - Counter({("_hid", ""): 9})


def int_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_raise(query: bytes, body: bytes) -> None:
    decoded = decode(query, body)
    texts = [text for event in decoded.events for item in event.items() for text in item]
    assert all(text.encode() for text in texts if text)


def test_invalid_utf8_is_kept_with_replacement_characters() -> None:
    event = decode(b"en=page_view&dt=a%FFb%00c%&dp=\xff\x00").events[0]
    assert (event["dt"], event["dp"]) == ("a\ufffdb\x00c%", "\ufffd\x00")
