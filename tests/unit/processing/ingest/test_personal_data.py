import time
from datetime import date
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.hit import FORMAT, RawHit, encode
from collection.protocols import REST
from configuration.ruleset.context import Context, ReceiveSettings, decode_context, encode_context
from processing.ingest.decode import decode_hits
from processing.ingest.geoip import NoGeoDatabase
from processing.ingest.personal_data import clean_content, clean_parameters, clean_text, is_personal
from processing.ingest.receive import ReceivedRows, receive
from processing.ingest.visitor_keys import VisitorKeyFactory

KEYS = VisitorKeyFactory(b"secret", {date(2026, 11, 24): b"today"}, {1: b"one"})
RECEIVED = 1_795_521_600_000_000  # in 2026-11-24
ON = ReceiveSettings(1, "G-ONE", remove_personal_data=True)
OFF = ReceiveSettings(2, "G-TWO")


def hit(tid: str = "G-ONE", /, body: bytes = b"", **named: Any) -> RawHit:
    pairs = {"v": "2", "tid": tid, "cid": "1.2", "en": "page_view", **named}
    query = "&".join(f"{name}={quote_plus(value)}" for name, value in pairs.items()).encode()
    return RawHit(FORMAT, "h", RECEIVED, "ga4", "192.0.2.7", "agent", {}, query, body)


def received(*hits: RawHit, context: Context = Context((ON, OFF))) -> ReceivedRows:  # noqa: B008 - it never changes
    return receive(decode_hits(enumerate(map(encode, hits))), context, KEYS, NoGeoDatabase())


def row(sent: RawHit, property: int = 1) -> dict[str, Any]:
    return received(sent)[property].row(0, named=True)


def test_it_works() -> None:
    rows = received(hit(dl="https://x.org/a?email=jane%40example.org&b=1", dr="https://y.org/?token=z"), hit())
    assert rows[1]["dl"].to_list() == ["https://x.org/a?email=&b=1", None]
    assert rows[1]["dr"].to_list() == ["https://y.org/?token=", None]
    assert dict(rows.cleaned) == {1: 1}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("/reset?token=x&to=jane%40example.org#email=y", "/reset?token=&to=#email="),
        ("/?a=1&amp;E-Mail=j@x.org;b=2", "/?a=1&amp;E-Mail=;b=2"),
        ("/#/sign-up?userEmail=z&plan=1", "/#/sign-up?userEmail=&plan=1"),
        ("/?billing[phone]=1&email[]=x&phone2=3&%65mail=q", "/?billing[phone]=&email[]=&phone2=&%65mail="),
        ("/?q=jane+tag@x.org&r=mail%20jane%40x.org%20now", "/?q=&r=mail%20%28removed%29%20now"),
        ("/?q=j%2540x.org&mailto=mailto:j@x.org", "/?q=&mailto="),
        ("/u/jane@example.org/edit", "/u/(removed)/edit"),
        ("/u/jane%2540example.org/", "/u/(removed)/"),
        ("https://jane:secret@x.org/a", "https://x.org/a"),
        ("https://jane@x.org/a@b", "https://x.org/a@b"),
        ("/?next=%2Freset%3Ftoken%3Dabc%26a%3D1", "/?next=%2Freset%3Ftoken%3D%26a%3D1"),
        ("/?next=/login?password=x&y=1", "/?next=/login?password=&y=1"),
        ("/;jsessionid=AB12?x=1", "/;jsessionid=?x=1"),
        ("/?q=müller@bücher.example", "/?q="),
        ("/?q=jane@xn--bcher-kva.xn--p1ai&a", "/?q=&a"),
    ],
)
def test_addresses(sent: str, stored: str) -> None:
    assert clean_text(sent) == stored
    assert clean_text(stored) == stored


@pytest.mark.parametrize(
    "text",
    [
        *("https://x.org/@jane/", "/img/logo@2x.png?v=2", "/?iphone=7&microphone=2&email_template=5", "/?q=a%2520b"),
        *("/?utm_source=email&utm_medium=mail", "/?page=2&color=red&name=chair", "/?at=%40&b=a@b", "", "/a=b/c", "?="),
        *("/?email=&token", "/react@18.2.0/umd", "/?u=https%3A%2F%2Fy.org%2F%3Fa%3D1"),
    ],
)
def test_texts_that_name_nobody(text: str) -> None:
    assert clean_text(text) == text
    assert clean_parameters(text) == text


def test_links_in_links() -> None:
    link = "https://z.org/?email=jane@example.org&a=1"
    for _ in range(3):
        link = f"https://y.org/?u={quote(link, safe='')}"
        assert "jane" not in clean_text(link)
        assert "a%" in clean_text(link)


@pytest.mark.parametrize(
    "name", ["email", "EMAIL", "userEmail", "user_email", "e-mail", "ep.phone", "accessToken", "pwd"]
)
def test_names_of_people(name: str) -> None:
    assert is_personal(name)


@pytest.mark.parametrize(
    "name", ["", "q", "email_campaign", "tokenize", "phonebook", "name", "id", "utm_source", "sid"]
)
def test_other_names(name: str) -> None:
    assert not is_personal(name)


def test_event_parameters_and_titles() -> None:
    page = "https://y.org/?email=j@z.org&a=1"
    named: dict[str, Any] = {
        "ep.link": page,
        "ep.method": "email",
        "up.email": "q",
        "ep.note": "ask j+k@z.org now",
        "dt": "To j@z.org",
    }
    stored = row(hit(**named, uid="jane@example.org"))
    assert stored["rest"].split("&")[2:] == [
        f"ep.link={quote('https://y.org/?email=&a=1', safe='')}",
        "ep.method=email",
        "up.email=",
        "ep.note=ask%20%28removed%29%20now",
    ]
    assert stored["dt"] == "To (removed)"
    assert stored["uid"] == "jane@example.org"  # how the site names its users is its own affair


def test_lines_of_logs() -> None:
    request = '"GET /a?email=j%40x.org HTTP/1.1" 200 5 "https://y.org/?token=1" "M"'
    text = f"192.0.2.1 - jane [24/Nov/2026:10:05:03 +0000] {request}"
    line = RawHit(FORMAT, "h", RECEIVED, "access_log", "", "", {}, b"", text.encode(), 1, 1_795_514_703_000)
    stored = row(line)
    assert (stored["target"], stored["dl"], stored["dr"]) == ("/a?email=", "/a?email=", "https://y.org/?token=")
    assert stored["rest"] == "version=HTTP%2F1.1&user="
    broken = row(msgspec.structs.replace(line, body=text.replace("[", "").encode()))
    assert "j%40x.org" not in broken["rest"]
    assert "HTTP%2F1.1%22+200" in broken["rest"]


def test_content_that_cannot_be_read_is_cleaned_word_by_word() -> None:
    content = f"line={quote_plus('x /a?email=j@x.org y')}&query={quote_plus('en=a&dl=/?token=z')}"
    assert clean_content(content) == f"line={quote_plus('x /a?email= y')}&query={quote_plus('en=a&dl=/?token=')}"


def test_a_property_can_keep_everything() -> None:
    sent = "https://x.org/a?email=jane%40example.org"
    assert row(hit("G-TWO", dl=sent), 2)["dl"] == sent
    assert not received(hit("G-TWO", dl=sent)).cleaned


def test_contexts_from_before_keep_everything_too() -> None:
    old = b'{"properties":[{"id":1,"measurement_id":"G-ONE","rules":3}],"lists":"","places":"","format":1}'
    sent = "https://x.org/a?email=x"
    rows = received(hit(dl=sent), hit("G-NONE", dl=sent), context=decode_context(old))
    assert [rows[number]["dl"].item() for number in (0, 1)] == [sent, sent]
    fresh = received(hit("G-NONE", dl=sent), context=decode_context(encode_context(Context((ON,)))))
    assert fresh[0]["dl"].item() == "https://x.org/a?email="


def test_every_event_of_a_hit_counts_as_one_hit() -> None:
    rows = received(hit(body=b"dl=/?email=a\ndl=/?email=b\ndl=/"))
    assert rows[1]["dl"].to_list() == ["/?email=", "/?email=", "/"]
    assert dict(rows.cleaned) == {1: 1}
    assert REST in rows[1].columns


@given(st.text() | st.text(st.sampled_from("a@.%25=?&#;/:40 "), max_size=40))
def test_any_text_is_cleaned_once(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once or "%" in text
    assert len(clean_parameters(text)) >= 0


@pytest.mark.parametrize("part", ["@", "a@", "a.", "?", "a=a%", "://a@", "%25", "a=%3D", "a%40", "a=b@c?", "a=?"])
def test_hostile_texts_take_no_long_time(part: str) -> None:
    before = time.process_time()
    clean_text(part * 10_000)
    clean_parameters(part * 10_000)
    assert time.process_time() - before < 2
