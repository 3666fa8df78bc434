"""The plan of a table: which columns and rows it reads, and when its page can be found before everything is counted."""

from datetime import date
from typing import Any

import pytest

from processing.sessions.condensed import RowSource
from reporting.kinds.table.plan import TablePlan, plan_table
from reporting.model.now import Now
from reporting.model.report import ByDimension, ByMetric, DateRange, NumericFilter, Report, StringFilter

TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
PATHS: dict[str, Any] = {"dimensions": ("pagePath",), "metrics": ("eventCount", "totalUsers")}


def planned(**fields: Any) -> TablePlan:
    return plan_table(Report(**{"date_ranges": (DateRange("yesterday", "today"),), **fields}), NOW)


def test_it_works() -> None:
    plan = planned(**PATHS, dimension_filter=StringFilter("country", "Germany"))
    assert plan.columns == {"day", "path", "country", "visitor"}
    assert plan.headers == ("pagePath",)
    assert plan.can_page_first
    assert not plan.needs_totals


@pytest.mark.parametrize(
    "fields",
    [
        {"orders": (ByDimension("pagePath"),)},
        {"orders": (ByMetric("eventCount"), ByDimension("pagePath"))},
        {"aggregations": frozenset({"TOTAL", "COUNT"})},
        {"metrics": ("screenPageViews", "engagementRate", "averageSessionDuration", "screenPageViewsPerSession")},
        {"metrics": ("eventCount", "keyEventValue", "sessions")},
        {"metrics": ("totalUsers",), "orders": (ByDimension("pagePath"),)},
        {"metrics": ("eventCount", "rate", "sessions"), "expressions": {"rate": "eventCount / (keyEvents + 1)"}},
    ],
)
def test_sums_and_flags_are_enough_for_a_page(fields: dict[str, Any]) -> None:
    assert planned(**{**PATHS, **fields}).can_page_first


@pytest.mark.parametrize(
    "fields",
    [
        {"orders": (ByMetric("totalUsers"),)},  # which a flag cannot order
        {"metrics": ("totalUsers", "eventCount")},  # ordered by the first metric
        {"metrics": ("eventCount", "bounceRate")},  # 0 where its flag is not
        {"metrics": ("eventCount", "rate"), "expressions": {"rate": "sessions - engagedSessions"}},
        {"metric_filter": NumericFilter("totalUsers", "GREATER_THAN", 2)},
        {"aggregations": frozenset({"MINIMUM"})},
        {"aggregations": frozenset({"MAXIMUM"})},
        {"metrics": ("eventCount", "screenPageViews")},  # nothing to save: all are sums
        {"dimensions": ()},  # a table of one row
        {"dimensions": ("date",), "keep_empty_rows": True},  # gets rows that no event has
    ],
)
def test_other_tables_are_counted_whole(fields: dict[str, Any]) -> None:
    assert not planned(**{**PATHS, **fields}).can_page_first


@pytest.mark.parametrize(
    ("fields", "row_source"),
    [
        ({"dimensions": ("country",), "metrics": ("sessions",)}, RowSource.CONDENSED),
        ({"dimensions": ("pagePath",), "metrics": ("sessions",)}, RowSource.EVENTS),
        ({"dimensions": ("country",), "metrics": ("keyEventValue",)}, RowSource.EVENTS),
    ],
)
def test_condensed_rows_are_read_if_they_have_all_columns(fields: dict[str, Any], row_source: RowSource) -> None:
    assert planned(**fields).row_source is row_source


def test_a_metric_that_only_the_filter_names_is_counted_but_not_shown() -> None:
    plan = planned(**PATHS, metric_filter=NumericFilter("sessions", "EQUAL", 1))
    assert [metric.name for metric in plan.fields.metrics] == ["eventCount", "totalUsers"]
    assert [metric.name for metric in plan.fields.all_metrics] == ["eventCount", "totalUsers", "sessions"]
    assert "session" in plan.columns
