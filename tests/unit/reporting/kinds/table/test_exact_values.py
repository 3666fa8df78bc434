"""A value has the same digits whichever way it is counted, and they are those of plain Python.

1001 / 1000 is 1.001, but 1001 * (1 / 1000) is 1.0010000000000001. Where a report divided in one way for a table of one
row and in the other for more, a row, its total and its page disagreed in the last digit.
"""

import random
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import (
    Answer,
    BetweenFilter,
    ByDimension,
    ByMetric,
    DateRange,
    NumericFilter,
    Report,
    StringFilter,
)
from reporting.registry.metrics import METRICS
from tests.support.builders import FrameView, built, view_of
from tests.support.oracle_reports import METRICS as SLOW_METRICS
from tests.support.oracle_reports import with_first
from tests.support.oracle_windows import WINDOWED

MONTH = (DateRange("30daysAgo", "today"),)
TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
MS = 1001
MILLIONTHS = 3
LARGE = 6122850511437328  # millionths; not even rounding to six places helps here
EXPRESSIONS = {"third": "eventCount / 3", "per hour": "userEngagementDuration / 3600 * eventCount"}
NOT_EXACT = {"totalUsers", "unconvertedRevenue", *WINDOWED}
EXACT = (*(name for name in METRICS if name not in NOT_EXACT), *EXPRESSIONS)


def ask(view: FrameView, **fields: Any) -> Answer:
    names = fields.get("metrics", ())
    used = {name: expression for name, expression in EXPRESSIONS.items() if name in names}
    return run(Report(**{"date_ranges": MONTH, "expressions": used, **fields}), view, NOW)


def lasting(session: int, ms: int = MS, **fields: Any) -> dict[str, Any]:
    """An event of a session of its own, in a country of its own."""
    times: dict[str, Any] = {"engagement_ms": ms, "duration_ms": ms, "key_event": True, "key_value": MILLIONTHS}
    times |= {"entrance": True, "last_view": True}
    return {"visitor": session, "session": session, "country": f"Country {session}", **times, **fields}


SECONDS = ("userEngagementDuration", "averageSessionDuration")


def test_it_works() -> None:
    answer = ask(view_of(lasting(1), lasting(2)), dimensions=("country",), metrics=(*SECONDS, "keyEventValue"))
    assert [row.metrics for row in answer.rows] == [(1.001, 1.001, 3e-06)] * 2


@pytest.mark.parametrize("name", METRICS)
def test_a_value_does_not_depend_on_the_height_of_the_table(name: str) -> None:
    """Of 200 rows of random measures and sums, each alone and among the others."""
    chance, metric = random.Random(name), METRICS[name]
    columns = [measure.name for measure in metric.measures]
    rows = pl.DataFrame({column: [chance.randrange(1, 10**6) for _ in range(200)] for column in columns})
    alone = [rows[number].select(metric.value).item() for number in range(rows.height)]
    assert rows.select(metric.value.alias("value"))["value"].to_list() == alone


def test_a_large_sum_has_all_its_digits() -> None:
    view = view_of(*(lasting(session, key_value=LARGE) for session in (1, 2)))
    answer = ask(view, dimensions=("country",), metrics=("keyEventValue",), aggregations={"TOTAL"})
    assert [row.metrics for row in answer.rows] == [(LARGE / 10**6,)] * 2
    assert answer.totals[0].metrics == (2 * LARGE / 10**6,)


@pytest.mark.parametrize("name", EXACT)
def test_a_row_alone_has_the_same_digits_as_among_others(name: str) -> None:
    """Alone by a filter, in its totals and extremes, and on a page of one row."""
    quiet = {"engagement_ms": 0, "key_value": 0}
    view = view_of(lasting(1), *(lasting(1, event=f"{n}", **quiet) for n in range(4)), lasting(2, ms=7))
    report: dict[str, Any] = {"dimensions": ("country",), "metrics": (name, "totalUsers"), "keep_empty_rows": True}
    among = ask(view, **report, orders=(ByMetric("totalUsers"),)).rows
    assert len(among) == 2
    for place, row in enumerate(among):
        only = StringFilter("country", row.dimensions[0])
        alone = ask(view, **report, dimension_filter=only, aggregations={"TOTAL", "MINIMUM", "MAXIMUM"})
        assert alone.rows == (row,)
        assert {aggregated.metrics for aggregated in (*alone.totals, *alone.minimums, *alone.maximums)} == {row.metrics}
        assert ask(view, **report, orders=(ByDimension("country"),), offset=place, limit=1).rows == (row,)


@pytest.mark.parametrize("condition", [NumericFilter, BetweenFilter])
@pytest.mark.parametrize(("name", "value"), [*((name, 1.001) for name in SECONDS), ("keyEventValue", 3e-06)])
def test_a_metric_filter_compares_the_value_that_is_shown(name: str, value: float, condition: Any) -> None:
    equal = condition(name, *(("EQUAL", value) if condition is NumericFilter else (value, value)))
    answer = ask(
        view_of(lasting(1), lasting(2)), dimensions=("country",), metrics=(name, "eventCount"), metric_filter=equal
    )
    assert [row.metrics for row in answer.rows] == [(value, 1), (value, 1)]


EVENT = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/", "/a"]),
        "event": st.sampled_from(["page_view", "scroll", "add_to_cart", "begin_checkout", "purchase"]),
        "session": st.integers(1, 6),
        "page_view": st.booleans(),
        "entrance": st.booleans(),
        "last_view": st.booleans(),
        "active": st.booleans(),
        "first_visit": st.booleans(),
        "engagement_ms": st.integers(0, 5000),
        "key_event": st.booleans(),
        "key_value": st.integers(0, 5_000_000),
    }
)


def completed(event: dict[str, Any]) -> dict[str, Any]:
    """A session has one visitor, one verdict, one country, and lasts 0.037 s more than the one before it."""
    session = event["session"]
    facts = {"visitor": session // 2, "engaged": session % 3 == 0, "country": f"c{session % 2}"}
    return {**event, **facts, "duration_ms": session * 1037}


COLUMN = {"pagePath": "path", "country": "country"}


def facts_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plain = {"event": "page_view", "time": 0, "index": 0}
    derived = [
        {"hit": n, "lasting": each["duration_ms"], "day": 1, "key": each["key_event"], "exits": each["last_view"]}
        for n, each in enumerate(events)
    ]
    return with_first([{**plain, **event, **more} for event, more in zip(events, derived, strict=True)])


def slowly(facts: list[dict[str, Any]], name: str) -> float:
    match name:
        case "third":
            return len(facts) / 3
        case "per hour":
            return SLOW_METRICS["userEngagementDuration"](facts) / 3600 * len(facts)
    return SLOW_METRICS[name](facts)


@given(
    st.lists(EVENT.map(completed), min_size=1, max_size=20),
    st.sampled_from(sorted(COLUMN)),
    st.lists(st.sampled_from(EXACT), min_size=1, max_size=4, unique=True),
)
@example([lasting(1), lasting(2)], "country", ["userEngagementDuration", "averageSessionDuration"])
@example([lasting(1, key_value=3), lasting(2)], "country", ["keyEventValue", "third", "per hour"])
@settings(max_examples=60, deadline=None)
def test_values_are_those_of_plain_python(events: list[dict[str, Any]], by: str, names: list[str]) -> None:
    facts, keys = facts_of(events), [event.get(COLUMN[by], "/") for event in events]
    groups = {(key,): [fact for fact, key_ in zip(facts, keys, strict=True) if key_ == key] for key in set(keys)}
    expected = {key: tuple(slowly(of_key, name) for name in names) for key, of_key in groups.items()}
    fields = {"dimensions": (by,), "metrics": tuple(names), "keep_empty_rows": True, "aggregations": {"TOTAL"}}
    answer = ask(FrameView(built(events)), **fields)
    assert {row.dimensions: row.metrics for row in answer.rows} == expected
    assert answer.totals[0].metrics == tuple(slowly(facts, name) for name in names)
