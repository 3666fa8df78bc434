import pytest

from configuration.ruleset.ruleset import InternalRule
from processing.pipeline.steps.internal import internal
from tests.support.raw_rows import RULES, ga4, line, ruled, stepped_through

OFFICE = InternalRule(name="Office", networks=("192.0.2.0/24", "2001:db8:1::/48"))
MARKED = InternalRule(name="Marked", traffic_type="internal")


def test_it_works() -> None:
    rows = [ga4(1, address="192.0.2.0"), ga4(2, address="198.51.100.0", tt="internal"), ga4(3, address="198.51.100.0")]
    found = stepped_through(ruled(OFFICE, MARKED), *rows, until="internal")
    assert found.select("reason", "rule").rows() == [("internal", "Office"), ("internal", "Marked"), (None, None)]


@pytest.mark.parametrize(
    ("address", "refused"),
    [("2001:db8:1::", True), ("2001:db8:2::", False), ("192.0.3.0", False), (None, False)],
)
def test_networks(address: str | None, refused: bool) -> None:
    found = stepped_through(ruled(OFFICE), ga4(address=address), line(2, address=address), until="internal")
    assert found["reason"].to_list() == ["internal" if refused else None] * 2


def test_the_traffic_type_is_compared_letter_by_letter() -> None:
    rows = [ga4(1, tt="Internal"), ga4(2, tt="internal2"), ga4(3, tt=None), ga4(4, tt="internal")]
    found = stepped_through(ruled(MARKED), *rows, until="internal")
    assert found["reason"].to_list() == [None, None, None, "internal"]


def test_a_rule_with_both_takes_either() -> None:
    both = InternalRule(name="Both", networks=("192.0.2.0/24",), traffic_type="dev")
    found = stepped_through(ruled(both), ga4(1, address="192.0.2.0"), ga4(2, tt="dev"), ga4(3), until="internal")
    assert found["rule"].to_list() == ["Both", "Both", None]


def test_only_rules_that_are_on_count() -> None:
    tested = InternalRule(name="T", traffic_type="dev", state="testing")
    frame = stepped_through(RULES, ga4(tt="dev"), until="spam")
    assert internal(frame, ruled(tested)) is frame
