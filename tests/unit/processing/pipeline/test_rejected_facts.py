"""What reports can ask about rejected hits."""

from typing import Any

from configuration.ruleset.ruleset import BotRule, FilterRule, RewriteRule, Text
from processing.pipeline.process import process
from tests.support.raw_rows import CHROME, ga4, line, processed, raw, ruled

FACTS = ("reason", "host", "path", "country", "bot_name", "bot_category")
GPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"


def facts(rejected: Any) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = rejected.sort("position").select(FACTS).rows()
    return rows


def test_it_works() -> None:
    rejected = processed(
        ga4(1, user_agent=GPT, dl="https://www.example.org/a?q=1", country="DE"),
        line(2, "/b", user_agent=GPT),
        line(3, "/style.css"),
    ).rejected
    assert facts(rejected) == [
        ("bot", "www.example.org", "/a", "Germany", "GPTBot", "AI crawler"),
        ("bot", "example.org", "/b", None, "GPTBot", "AI crawler"),
        ("asset", "example.org", "/style.css", None, None, None),
    ]


def test_of_a_hit_that_cannot_be_read_nothing_is_said() -> None:
    rejected = processed(
        ga4(1, error="no event", user_agent=GPT, country="DE"), ga4(2, en="", user_agent=GPT, country="DE")
    ).rejected
    assert facts(rejected) == [
        ("malformed", None, None, None, None, None),
        ("malformed", "example.org", "/", "Germany", "GPTBot", "AI crawler"),
    ]


def test_a_filtered_hit_keeps_the_page_that_the_rules_made() -> None:
    rules = ruled(
        RewriteRule(name="A", field="path", change="replace", search="/a", replacement="/z"),
        FilterRule(name="no z", action="exclude", when=Text("path", "equals", "/z")),
    )
    rejected = process(raw([ga4(1, dl="https://example.org/a", country="FR")]), rules).rejected
    assert facts(rejected) == [("filter", "example.org", "/z", "France", None, None)]
    assert rejected["rule"].to_list() == ["no z"]


def test_a_browser_that_a_rule_blocks_is_a_bot_of_no_known_category() -> None:
    rules = ruled(BotRule(name="mine", action="block", test="contains", user_agent="Chrome"))
    rejected = process(raw([ga4(1, user_agent=CHROME)]), rules).rejected
    assert facts(rejected) == [("bot", "example.org", "/", None, None, "other")]


def test_the_first_event_of_a_hit_says_which_page_it_is() -> None:
    events = [ga4(1, index=n, dl=f"https://example.org/{n}", user_agent=GPT) for n in (2, 0, 1)]
    assert facts(processed(*events).rejected) == [("bot", "example.org", "/0", None, "GPTBot", "AI crawler")]


def test_hostile_text() -> None:
    rejected = processed(
        ga4(1, dl="https://\x00\ud7ff/" + "x" * 9000, user_agent="<script>bot" + "y" * 5000, country="??"),
        line(2, None, user_agent=None),
    ).rejected
    assert rejected.height == 2
    assert all(len(text or "") <= 2_048 for row in rejected.select(FACTS).rows() for text in row)
