from typing import Any

import pytest

from configuration.ruleset.ruleset import SpamRule
from processing.pipeline.lookups.lists import rows
from processing.pipeline.steps.spam import spam
from tests.support.raw_rows import RULES, ga4, line, ruled, stepped_through

OWN = ruled(
    SpamRule(name="Ours", domains=("bad.example", "worse.example")),
    SpamRule(name="Off", domains=("x.example",), state="off"),
)


def refused(rules: Any, *referrers: str | None) -> list[tuple[str | None, str | None]]:
    sent = [ga4(number, dr=referrer) for number, referrer in enumerate(referrers)]
    return stepped_through(rules, *sent, until="spam").select("reason", "rule").rows()


def test_it_works() -> None:
    assert refused(OWN, "https://bad.example/x", "https://good.example/", None) == [
        ("spam", "Ours"),
        (None, None),
        (None, None),
    ]


@pytest.mark.parametrize(
    "referrer",
    ["http://semalt.com/", "https://www.Semalt.com:80/a", "//x", "https://SEMALT.COM.", "https://a.b.semalt.com"],
)
def test_the_list_refuses_a_domain_and_those_below_it(referrer: str) -> None:
    expected = (None, None) if referrer == "//x" else ("spam", None)
    assert refused(RULES, referrer) == [expected]


@pytest.mark.parametrize("referrer", ["https://notsemalt.com/", "https://semalt.com.example.net/", "semalt.com", ""])
def test_what_only_looks_like_spam(referrer: str) -> None:
    assert refused(RULES, referrer) == [(None, None)]


def test_the_list_can_be_switched_off() -> None:
    assert refused(ruled(spam_list=False), "https://semalt.com/") == [(None, None)]
    own = ruled(SpamRule(name="Ours", domains=("bad.example",)), spam_list=False)
    assert refused(own, "https://semalt.com/", "https://bad.example/") == [(None, None), ("spam", "Ours")]


def test_a_rule_is_named_also_beside_the_list() -> None:
    own = ruled(SpamRule(name="Ours", domains=("semalt.com",)), SpamRule(name="Again", domains=("semalt.com",)))
    assert refused(own, "https://semalt.com/") == [("spam", "Ours")]


def test_the_first_rule_is_named_however_close_its_domain() -> None:
    rules = ruled(
        SpamRule(name="Wide", domains=("bad.example",)),
        SpamRule(name="Close", domains=("www.bad.example", "x.example")),
    )
    assert refused(rules, "https://www.bad.example/", "https://x.example/") == [("spam", "Wide"), ("spam", "Close")]


def test_rules_that_are_off_or_tested_change_nothing() -> None:
    assert refused(OWN, "https://x.example/") == [(None, None)]
    tested = ruled(SpamRule(name="T", domains=("bad.example",), state="testing"))
    assert refused(tested, "https://bad.example/") == [(None, None)]


def test_lines_of_a_log_are_asked_too() -> None:
    found = stepped_through(RULES, line(dr="http://semalt.com/"), until="spam")
    assert found["reason"].to_list() == ["spam"]


def test_the_list_is_of_domains_in_small_letters_each_once() -> None:
    domains = [domain for (domain,) in rows("referrer_spam")]
    assert domains == sorted(set(domains))
    assert all(domain == domain.lower() and "." in domain for domain in domains)


def test_where_nothing_is_asked_nothing_is_done() -> None:
    frame = stepped_through(RULES, ga4(), until="bots")
    assert spam(frame, ruled(spam_list=False)) is frame
