"""Which dimensions and metrics go together."""

from datetime import date
from typing import Any

import pytest

from reporting.kinds import parse, run
from reporting.model.now import Now
from reporting.model.report import DateRange, NumericFilter, Report, ReportError, StringFilter
from reporting.registry.compatibility import clashes, counts_items
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from tests.support.builders import view_of

DAY = "2026-11-10"
NOW = Now.at_end_of(date(2026, 11, 20), "Etc/UTC")


def ask(**fields: Any) -> Any:
    return run(Report(date_ranges=(DateRange(DAY, DAY),), **fields), view_of({}), NOW)


def test_it_works() -> None:
    """The error names the pair, and what to do."""
    (clash,) = clashes([DIMENSIONS["itemName"], DIMENSIONS["country"]], [], [METRICS["purchaseRevenue"]])
    assert clash[:2] == ("itemName", "purchaseRevenue")
    with pytest.raises(ReportError, match="'purchaseRevenue' and the dimension 'itemName'.*itemRevenue.*leave"):
        ask(dimensions=("itemName",), metrics=("purchaseRevenue",))
    assert ask(dimensions=("itemName", "country", "sessionSource"), metrics=("itemRevenue", "sessions")).rows == ()
    assert ask(dimensions=("country",), metrics=("itemRevenue", "sessions", "purchaseRevenue")).row_count == 1


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"metrics": ("eventCount",), "dimension_filter": StringFilter("itemId", "x")}, "'eventCount'.*'itemId'"),
        (
            {
                "metrics": ("itemsViewed",),
                "metric_filter": NumericFilter("keyEvents", "EQUAL", 1),
                "dimensions": ("itemId",),
            },
            "'keyEvents'.*'itemId'",
        ),
        ({"metrics": ("x",), "expressions": {"x": "eventCount / 2"}, "dimensions": ("itemId",)}, "'x'.*'itemId'"),
        ({"metrics": ("averageSessionDuration",), "dimensions": ("itemId",)}, "'averageSessionDuration'"),
        ({"metrics": ("unconvertedRevenue",), "dimensions": ("country",)}, "several currencies.*'currencyCode'"),
        (
            {"metrics": ("unconvertedRevenue",), "dimensions": ("currencyCode",), "aggregations": frozenset({"TOTAL"})},
            "no totals",
        ),
    ],
)
def test_what_does_not_go_together(fields: dict[str, Any], error: str) -> None:
    with pytest.raises(ReportError, match=error):
        ask(**fields)


def test_metrics_of_items() -> None:
    item_metrics = {name for name, metric in METRICS.items() if metric.scope == "item"}
    assert all(counts_items(METRICS[name]) for name in item_metrics)
    assert not any(
        counts_items(METRICS[name]) for name in ("eventCount", "totalRevenue", "transactions", "keyEventValue")
    )
    assert all(counts_items(METRICS[name]) for name in ("totalUsers", "sessions", "totalPurchasers"))


@pytest.mark.parametrize("kind", ["funnel", "paths"])
def test_kinds_that_count_events_take_no_dimension_of_items(kind: str) -> None:
    named = {"field": "itemName", "type": "string", "value": "x"}
    bodies: dict[str, dict[str, Any]] = {
        "funnel": {"steps": [{"name": name, "filter": named} for name in "ab"]},
        "paths": {"dimension": "itemName"},
    }
    with pytest.raises(ReportError, match="A dimension of items, such as itemName"):
        run(parse({"kind": kind, "date_range": {"start": DAY, "end": DAY}, **bodies[kind]}), view_of({}), NOW)
