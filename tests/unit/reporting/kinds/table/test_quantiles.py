"""Quantiles: exact in rows, totals and over any dates, and quick enough for many values."""

from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import Answer, DateRange, NumericFilter, Report
from tests.support.builders import NOON, FrameView, view_of

NOW = Now.at_end_of(NOON.date(), "Etc/UTC")


def lcp(milliseconds: float, **fields: Any) -> dict[str, Any]:
    return {"event": "LCP", "vital": "LCP", "vital_value": round(milliseconds * 1_000_000), **fields}


def ask(view: FrameView, **fields: Any) -> Answer:
    report: dict[str, Any] = {"date_ranges": (DateRange("today", "today"),), "metrics": ("lcpP75", "lcpCount")}
    return run(Report(**{**report, **fields}), view, NOW)


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    return [(*row.dimensions, *row.metrics) for row in answer.rows]


def test_it_works() -> None:
    """Of four values the third largest; the total is that of all values, not one of the rows."""
    slow, quick = [3000.5, 4000, 1000, 2000], [100, 200, 300, 400]
    events = [lcp(value, path="/slow") for value in slow] + [lcp(value, path="/quick") for value in quick]
    answer = ask(view_of(*events, {}), dimensions=("pagePath",), aggregations={"TOTAL"})
    assert rows(answer) == [("/slow", 3000.5, 4), ("/quick", 300, 4)]
    assert answer.totals[0].metrics == (2000, 8)


@pytest.mark.parametrize(("count", "place"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (100, 75), (101, 76)])
def test_the_smallest_value_that_three_quarters_do_not_exceed(count: int, place: int) -> None:
    view = view_of(*(lcp(value) for value in range(count, 0, -1)))
    assert rows(ask(view)) == [(place, count)]


def test_no_values() -> None:
    assert rows(ask(view_of({}), keep_empty_rows=True)) == [(0, 0)]
    assert rows(ask(view_of(), keep_empty_rows=True)) == [(0, 0)]


def test_other_vitals_do_not_count() -> None:
    cls = {"event": "CLS", "vital": "CLS", "vital_value": 100_000}
    answer = ask(view_of(lcp(1), cls), metrics=("lcpP75", "clsP75", "inpP75", "clsGoodRate"))
    assert rows(answer) == [(1, 0.1, 0, 1)]


def test_a_page_of_the_table_has_its_own_quantiles() -> None:
    """Ordered by a sum, so that the page is found before anything is counted; the empty quantile is not left out."""
    events = [lcp(value, path=f"/{value}") for value in (1, 2, 3)] + [{"path": "/none"}] * 2
    report: dict[str, Any] = {"dimensions": ("pagePath",), "metrics": ("eventCount", "lcpP75")}
    assert rows(ask(view_of(*events), **report, limit=2)) == [("/none", 2, 0), ("/1", 1, 1)]


def test_a_filter_on_the_quantile() -> None:
    view = view_of(*(lcp(value, path=f"/{value}") for value in (1, 2, 3)))
    more = NumericFilter("lcpP75", "GREATER_THAN", 1)
    answer = ask(view, dimensions=("pagePath",), metric_filter=more, aggregations={"TOTAL"})
    assert rows(answer) == [("/3", 3, 1), ("/2", 2, 1)]
    assert answer.totals[0].metrics == (3, 2)


@pytest.mark.parametrize(
    ("name", "value", "rating"),
    [
        ("LCP", 2500, "good"),
        ("LCP", 2500.000001, "needs improvement"),
        ("LCP", 4000, "needs improvement"),
        ("LCP", 4000.000001, "poor"),
        ("INP", 200, "good"),
        ("INP", 500.1, "poor"),
        ("CLS", 0.1, "good"),
        ("CLS", 0.25, "needs improvement"),
        ("CLS", 0.250001, "poor"),
        ("FCP", 1800, "good"),
        ("FCP", 3001, "poor"),
        ("TTFB", 800, "good"),
        ("TTFB", 1801, "poor"),
    ],
)
def test_ratings(name: str, value: float, rating: str) -> None:
    view = view_of({"event": name, "vital": name, "vital_value": round(value * 1_000_000)})
    words = "".join(word.title() for word in rating.split())
    metrics = (f"{name.lower()}{words}Rate",)
    assert rows(ask(view, dimensions=("webVitalName", "webVitalRating"), metrics=metrics)) == [(name, rating, 1)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2**63 - 1024) | st.integers(0, 3)), max_size=30))
def test_random_values(values: list[tuple[str, int]]) -> None:
    view = view_of(*({"event": "LCP", "vital": "LCP", "vital_value": value, "path": path} for path, value in values))
    answer = ask(view, dimensions=("pagePath",), metrics=("lcpP75", "eventCount"), aggregations={"TOTAL"})

    def slowly(some: list[int]) -> float:
        return sorted(some)[ceil(len(some) * 0.75) - 1] / 1_000_000 if some else 0

    found = {row[0]: row[1] for row in rows(answer)}
    assert found == {path: slowly([v for p, v in values if p == path]) for path in {p for p, _ in values}}
    assert answer.totals[0].metrics[0] == slowly([value for _, value in values])
