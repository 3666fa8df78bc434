from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processing.pipeline.custom_values import extract
from processing.pipeline.process import process
from processing.pipeline.steps.interactions import LONGEST_URL, PARAMETERS
from tests.support.raw_rows import RULES, ga4, line, processed, raw, stepped_through

PAGE = "https://example.org/find"


def said(row: dict[str, Any]) -> dict[str, str]:
    """The parameters that the event has, by name."""
    frame = stepped_through(RULES, row, until="interactions").tail(1)
    values = frame.select(extract("interaction", name).alias(name) for name in PARAMETERS).row(0, named=True)
    return {name: value for name, value in values.items() if value is not None}


def sent(**parameters: object) -> dict[str, str]:
    pairs = (f"ep.{name}={quote_plus(str(value))}" for name, value in parameters.items())
    return said(ga4(en="click", rest="&".join(["v=2", *pairs])))


def test_it_works() -> None:
    link = "https://www.other.example/a?b=1&c=%20#d"
    assert sent(link_url=link, link_text="Read more & buy", outbound="true") == {
        "link_url": link,
        "link_domain": "www.other.example",
        "link_text": "Read more & buy",
        "outbound": "true",
    }
    assert said(ga4(dl=f"{PAGE}?q=red+shoes&page=2")) == {"search_term": "red shoes"}
    assert said(ga4()) == {}


def test_every_parameter_is_kept() -> None:
    numbers = {"percent_scrolled": "90", "video_percent": "25", "outbound": "true"}
    everything = {name: numbers.get(name, name.upper()) for name in PARAMETERS}
    assert sent(**everything) == everything
    assert said(ga4(rest="&".join(f"epn.{name}={value}" for name, value in everything.items()))) == everything


def test_the_domain_of_a_link_is_the_one_that_was_sent_or_the_host() -> None:
    assert sent(link_url="https://a.example/", link_domain="b.example")["link_domain"] == "b.example"
    assert sent(link_url="HTTPS://User@A.Example:8080/x")["link_domain"] == "a.example"
    assert "link_domain" not in sent(link_url="/local")
    assert "link_domain" not in sent(link_url="mailto:someone")


@pytest.mark.parametrize(
    ("text", "flag"), [("true", "true"), ("TRUE", "true"), ("1", "true"), ("false", "false"), ("0", "false")]
)
def test_flags(text: str, flag: str) -> None:
    assert sent(outbound=text) == {"outbound": flag}


@pytest.mark.parametrize("text", ["yes", "2", "truefalse", "null", " "])
def test_what_is_no_flag_is_not_kept(text: str) -> None:
    assert sent(outbound=text) == {}


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        *(("90", "90"), ("90.0", "90"), ("99.99", "99"), ("0", "0"), ("100", "100"), ("100.0", "100"), ("007", "7")),
        *(("100.1", None), ("101", None), ("-1", None), ("nan", None), ("inf", None), ("1e2", None), ("1_0", None)),
        *(("1e308", None), ("9" * 4000, None), ("９０", None), ("90%", None), ("", None), ("90\n", None)),
    ],
)
def test_a_percentage_is_a_whole_number_from_0_to_100(text: str, percent: str | None) -> None:
    expected = {} if percent is None else {"percent_scrolled": percent}
    assert sent(percent_scrolled=text) == expected


@pytest.mark.parametrize(
    ("query", "term"),
    [
        *(("q=a", "a"), ("s=a", "a"), ("search=a", "a"), ("query=a", "a"), ("keyword=a", "a"), ("Q=a", "a")),
        *(("keyword=b&q=a", "a"), ("q=&s=b", "b"), ("q=a&q=b", "a"), ("x=1&query=caf%C3%A9%20au+lait", "café au lait")),
        *(("q=%26%3D%25", "&=%"), ("q=++", None), ("seq=1", None), ("xq=1", None), ("q", None), ("", None)),
    ],
)
def test_a_page_view_says_in_its_address_what_was_searched_for(query: str, term: str | None) -> None:
    expected = {} if term is None else {"search_term": term}
    assert said(ga4(dl=f"{PAGE}?{query}")) == expected
    assert said(line(target=f"/find?{query}")) == expected


def test_routes_are_searched_as_well() -> None:
    assert said(ga4(dl=f"{PAGE}?a=1#/results?q=shoes")) == {"search_term": "shoes"}


def test_other_events_of_the_page_are_no_searches() -> None:
    assert said(ga4(en="scroll", dl=f"{PAGE}?q=a")) == {}


def test_a_term_that_was_sent_wins_over_the_address() -> None:
    assert said(ga4(dl=f"{PAGE}?q=a", rest="ep.search_term=b")) == {"search_term": "b"}
    assert said(ga4(dl=f"{PAGE}?q=a", rest="ep.search_term=")) == {"search_term": "a"}


def test_texts_are_cut() -> None:
    assert len(sent(link_text="x" * 4000)["link_text"]) == 255
    assert len(sent(link_url="x" * 4000)["link_url"]) == LONGEST_URL


def test_implied_events_are_no_interactions() -> None:
    events = processed(ga4(dl=f"{PAGE}?q=a", _fv="1", _ss="1")).events.sort("index")
    assert events.select("event", "interaction").rows() == [
        ("first_visit", None),
        ("session_start", None),
        ("page_view", "search_term=a"),
    ]


def test_rows_keep_their_own() -> None:
    """Of a batch some rows say something, the others have null."""
    rows = [ga4(n, rest=f"ep.link_id={n}" if n % 3 else None, dl=PAGE) for n in range(1, 400)]
    events = process(raw(rows), RULES).events.sort("position")
    assert events["interaction"].to_list() == [f"link_id={n}" if n % 3 else None for n in range(1, 400)]


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(HOSTILE, HOSTILE)
@example("\x00&=;\r\n", "%zz%")
def test_any_text_comes_back_as_it_was_sent(text: str, other: str) -> None:
    expected = {name: value for name, value in {"link_text": text, "form_id": other}.items() if value}
    assert sent(link_text=text, form_id=other) == expected
