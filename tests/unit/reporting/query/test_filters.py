"""Filters: which paths each kind of condition keeps, and hostile patterns."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.model.limits import DEFAULT_LIMITS
from reporting.model.report import (
    And,
    BetweenFilter,
    EmptyFilter,
    Filter,
    InListFilter,
    Not,
    NumericFilter,
    Or,
    ReportError,
    StringFilter,
)
from reporting.query.filters import DEEPEST
from tests.support.builders import view_of
from tests.unit.reporting.kinds.table.test_run import TEXTS, ask, one

PATHS = ["/Shop", "/shop/Cart", "/blog/shop", "12", "7", "", None, "(x"]


def kept_paths(condition: Filter, texts: Any = None) -> list[str]:
    view = view_of(*({"path": path} for path in PATHS), **({"texts": texts} if texts else {}))
    answer = ask(view, dimensions=("pagePath",), metrics=("eventCount",), dimension_filter=condition)
    return [row.dimensions[0] for row in answer.rows]


def paths(match: Any, value: str, **options: Any) -> StringFilter:
    return StringFilter("pagePath", value, match, **options)


@TEXTS
def test_it_works(texts: Any) -> None:
    assert kept_paths(paths("EXACT", "/SHOP"), texts) == ["/Shop"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (paths("EXACT", "/shop", case_sensitive=True), []),
        (paths("BEGINS_WITH", "/SHOP"), ["/Shop", "/shop/Cart"]),
        (paths("BEGINS_WITH", "/shop", case_sensitive=True), ["/shop/Cart"]),
        (paths("ENDS_WITH", "SHOP"), ["/Shop", "/blog/shop"]),
        (paths("CONTAINS", "og/s"), ["/blog/shop"]),
        (paths("CONTAINS", "(x"), ["(x"]),
        (paths("FULL_REGEXP", "/SHOP.*"), ["/Shop", "/shop/Cart"]),
        (paths("FULL_REGEXP", "/SHOP"), ["/Shop"]),
        (paths("PARTIAL_REGEXP", "p$"), ["/Shop", "/blog/shop"]),
        (paths("PARTIAL_REGEXP", "C", case_sensitive=True), ["/shop/Cart"]),
        (InListFilter("pagePath", ("/SHOP", "12")), ["/Shop", "12"]),
        (InListFilter("pagePath", ("/SHOP", "12"), case_sensitive=True), ["12"]),
        (NumericFilter("pagePath", "GREATER_THAN", 7), ["12"]),
        (NumericFilter("pagePath", "GREATER_THAN_OR_EQUAL", 7), ["12", "7"]),
        (NumericFilter("pagePath", "LESS_THAN", 12), ["7"]),
        (NumericFilter("pagePath", "LESS_THAN_OR_EQUAL", 12), ["12", "7"]),
        (NumericFilter("pagePath", "EQUAL", 12), ["12"]),
        (BetweenFilter("pagePath", 7, 12), ["12", "7"]),
        (EmptyFilter("pagePath"), ["", "(not set)"]),
        (And((paths("CONTAINS", "shop"), Not(paths("CONTAINS", "blog")))), ["/Shop", "/shop/Cart"]),
        (Or((paths("EXACT", "7"), paths("EXACT", "12"), StringFilter("country", "nowhere"))), ["12", "7"]),
        (Not(Or((paths("CONTAINS", "/"), EmptyFilter("pagePath")))), ["(x", "12", "7"]),
    ],
)
def test_every_kind_of_condition(condition: Filter, expected: list[str]) -> None:
    assert kept_paths(condition) == expected


def test_a_negated_comparison_of_numbers_keeps_other_texts() -> None:
    assert "/Shop" in kept_paths(Not(NumericFilter("pagePath", "GREATER_THAN", 0)))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (NumericFilter("eventCount", "GREATER_THAN", 2), 3),
        (Not(NumericFilter("eventCount", "GREATER_THAN", 2)), 1),
        (Or((NumericFilter("eventCount", "EQUAL", 1), BetweenFilter("sessions", 5, 9))), 1),
    ],
)
def test_metric_filters_act_on_rows(condition: Filter, expected: int) -> None:
    view = view_of({"path": "/a"}, *({"path": "/b"} for _ in range(3)))
    answer = ask(view, dimensions=("pagePath",), metrics=("eventCount",), metric_filter=condition)
    assert [row.metrics for row in answer.rows] == [(expected,)]


def nested(depth: int) -> Filter:
    condition: Filter = paths("EXACT", "/")
    for _ in range(depth):
        condition = Not(condition)
    return condition


@pytest.mark.parametrize(
    ("condition", "advice"),
    [
        (paths("FULL_REGEXP", "("), "not one of RE2"),
        (paths("PARTIAL_REGEXP", r"(a)\1"), "not one of RE2"),
        (paths("PARTIAL_REGEXP", "(?=a)"), "not one of RE2"),
        (paths("FULL_REGEXP", "a" * (DEFAULT_LIMITS.pattern_characters + 1)), "characters"),
        (paths("FULL_REGEXP", "((a{1,100}){1,100}){1,100}"), "not one of RE2"),
        (And(()), "at least one"),
        (nested(DEEPEST + 1), "flatten"),
        (Or((paths("EXACT", "/"),) * (DEFAULT_LIMITS.conditions + 1)), "201 conditions; at most 200"),
        (InListFilter("pagePath", ()), "one value or more"),
        (InListFilter("pagePath", ("x",) * (DEFAULT_LIMITS.values + 1)), "10,001 values"),
        (Or((InListFilter("pagePath", ("x",) * 5_001),) * 2), "10,002 values"),
        (Or((paths("FULL_REGEXP", "x"),) * (DEFAULT_LIMITS.patterns + 1)), "101 regular expressions"),
        (StringFilter("pagPath", "x"), "Did you mean pagePath"),
    ],
)
def test_bad_filters_are_answered_with_advice(condition: Filter, advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        kept_paths(condition)


def test_a_pattern_that_explodes_elsewhere_takes_linear_time() -> None:
    view = view_of({"path": "a" * 20_000 + "b"})
    began = time.process_time()
    assert one(view, "eventCount", dimension_filter=paths("FULL_REGEXP", "(a+)+c")) == 0
    assert time.process_time() - began < 1


@given(
    st.text(max_size=30),
    st.sampled_from(["EXACT", "BEGINS_WITH", "ENDS_WITH", "CONTAINS", "FULL_REGEXP", "PARTIAL_REGEXP"]),
)
def test_any_value_is_a_filter_or_a_report_error(value: str, match: str) -> None:
    try:
        accepted = kept_paths(paths(match, value))
    except ReportError:
        assert match.endswith("REGEXP")
        return
    assert set(accepted) <= {path or "(not set)" for path in PATHS} | {""}
