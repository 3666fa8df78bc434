from typing import Any

import pytest

from processing.pipeline.custom_values import extract
from processing.pipeline.steps.campaign import DETAILS, KINDS
from tests.support.raw_rows import RULES, ga4, line, processed, stepped_through


def details(row: dict[str, Any]) -> dict[str, str]:
    frame = stepped_through(RULES, row, until="campaign").tail(1)
    values = frame.select(extract("campaign_details", name).alias(name) for name in DETAILS).row(0, named=True)
    return {name: value for name, value in values.items() if value is not None}


def tagged(query: str, **named: Any) -> dict[str, str]:
    return details(ga4(dl=f"https://example.org/?{query}", **named))


def test_it_works() -> None:
    tags = "utm_source=a&utm_term=red+shoes&utm_content=top%26left&utm_id=7&utm_source_platform=dv360&gclid=abc"
    assert tagged(tags) == {
        "term": "red shoes",
        "content": "top&left",
        "id": "7",
        "platform": "dv360",
        "click": "gclid",
    }
    assert details(ga4()) == {}


def test_what_the_hit_says_replaces_the_tags() -> None:
    assert tagged("utm_term=a&utm_content=b&utm_id=c", ck="1", cc="2", ci="3") == {
        "term": "1",
        "content": "2",
        "id": "3",
    }
    assert tagged("utm_term=a", ck="") == {"term": "a"}


def test_tags_are_read_wherever_the_source_is_read() -> None:
    assert tagged("a=1#utm_term=x") == {"term": "x"}
    assert tagged("a=1#/route?utm_term=x") == {"term": "x"}
    assert tagged("UTM_Term=x&amp;utm_id=2") == {"term": "x", "id": "2"}
    assert details(line(target="/?utm_content=x")) == {"content": "x"}
    assert details(ga4(dl="https://example.org/", dp="/p?utm_id=5")) == {"id": "5"}


@pytest.mark.parametrize("name", sorted(KINDS.values()))
def test_of_a_click_id_only_its_name_is_kept(name: str) -> None:
    events = processed(ga4(dl=f"https://example.org/?{name}=s3cretvalue")).events
    assert events["campaign_details"].to_list() == [f"click={name}"]
    assert "s3cretvalue" not in str(events.rows())


def test_click_ids_of_the_hit_count_too() -> None:
    assert details(ga4(gclid="x")) == {"click": "gclid"}
    assert details(ga4(dclid="x")) == {"click": "dclid"}
    assert details(ga4(gclid="")) == {}


def test_of_several_click_ids_the_first_of_the_list_counts() -> None:
    assert tagged("fbclid=1&msclkid=2&dclid=3") == {"click": "dclid"}


def test_values_are_cut_and_empty_ones_are_none() -> None:
    assert len(tagged(f"utm_term={'x' * 2000}")["term"]) == 255
    assert tagged("utm_term=&utm_content=%20") == {"content": " "}


def test_long_details_do_not_push_the_source_out() -> None:
    """What readers of tags cut is at the end, and the source's own tags come first."""
    row = ga4(dl=f"https://example.org/?utm_term={'x' * 1900}&utm_source=news&gclid=1")
    frame = stepped_through(RULES, row, until="campaign")
    assert frame.select("source", "medium").row(0) == ("news", "cpc")


def test_rows_keep_their_own() -> None:
    rows = [ga4(n, ci=str(n) if n % 3 else None) for n in range(1, 400)]
    events = processed(*rows).events.sort("position")
    assert events["campaign_details"].to_list() == [f"id={n}" if n % 3 else None for n in range(1, 400)]
