"""Pivot reports, against a slow count in plain Python, and by examples."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.pivot.report import ByPivot, Pivot, PivotAnswer, PivotReport
from reporting.model.now import Now
from reporting.model.report import Aggregation, ByDimension, ByMetric, DateRange, NumericFilter, ReportError
from tests.support.builders import FrameView, built, view_of
from tests.support.oracle_kinds import PivotLines, SlowPivot, pivot

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
NOW = Now.at_end_of(date(2026, 11, 20), "Etc/UTC")
MONTH = DateRange("30daysAgo", "today")
START = datetime(2026, 11, 10, 12, tzinfo=UTC)
ROWS, COLUMNS = Pivot(("country",)), Pivot(("browser",))


def event(visitor: int, country: str, browser: str, **more: Any) -> dict[str, Any]:
    return {"visitor": visitor, "session": visitor, "country": country, "browser": browser, **more}


EVENTS = [
    event(1, "Germany", "Chrome"),
    event(1, "Germany", "Firefox"),
    event(2, "Germany", "Chrome"),
    event(3, "Spain", "Firefox"),
    event(3, "Spain", "Firefox"),
    event(4, "Italy", "Safari"),
]


def ask(view: FrameView, *pivots: Pivot, **fields: Any) -> PivotAnswer:
    report = PivotReport(**{"date_ranges": (MONTH,), "metrics": ("totalUsers",), **fields}, pivots=pivots)
    answer = run(report, view, NOW)
    assert isinstance(answer, PivotAnswer)
    return answer


def lines(answer: PivotAnswer) -> PivotLines:
    return PivotLines(
        [(list(each.values), each.row_count) for each in answer.pivots],
        [(row.dimensions, row.metrics) for row in answer.rows],
        [(row.dimensions, row.metrics) for row in answer.aggregates],
    )


def test_it_works() -> None:
    total: frozenset[Aggregation] = frozenset({"TOTAL"})
    answer = ask(
        view_of(*EVENTS), Pivot(("country",), limit=2, aggregations=total), Pivot(("browser",), aggregations=total)
    )
    assert lines(answer) == PivotLines(
        [([("Germany",), ("Italy",)], 3), ([("Chrome",), ("Firefox",), ("Safari",)], 3)],
        [
            (("Germany", "Chrome"), (2,)),
            (("Germany", "Firefox"), (1,)),
            (("Italy", "Safari"), (1,)),
        ],
        [
            (("RESERVED_TOTAL", "Chrome"), (2,)),
            (("RESERVED_TOTAL", "Firefox"), (2,)),  # Spain is not on the page, but part of the total
            (("RESERVED_TOTAL", "Safari"), (1,)),
            (("Germany", "RESERVED_TOTAL"), (2,)),  # not 3: one visitor has both browsers
            (("Italy", "RESERVED_TOTAL"), (1,)),
            (("RESERVED_TOTAL", "RESERVED_TOTAL"), (4,)),
        ],
    )
    assert tabulate(answer).rows(named=True)[0] == {"country": "Germany", "browser": "Chrome", "totalUsers": 2}


def test_an_order_by_the_values_of_another_pivot() -> None:
    by_firefox = ByPivot("eventCount", {"browser": "Firefox"}, descending=True)
    answer = ask(view_of(*EVENTS), Pivot(("country",), orders=(by_firefox,)), COLUMNS, metrics=("eventCount",))
    assert answer.pivots[0].values == (("Spain",), ("Germany",), ("Italy",))


def test_several_date_ranges() -> None:
    ranges = (DateRange("2026-11-01", "2026-11-20", "all"), DateRange("2026-11-10", "2026-11-10", "one"))
    later = event(9, "Italy", "Safari", at=START + timedelta(days=1))
    answer = ask(view_of(*EVENTS, later), ROWS, Pivot(("dateRange",)), date_ranges=ranges)
    assert lines(answer).rows == [
        (("Germany", "all"), (2,)),
        (("Germany", "one"), (2,)),
        (("Italy", "all"), (2,)),
        (("Italy", "one"), (1,)),
        (("Spain", "all"), (1,)),
        (("Spain", "one"), (1,)),
    ]


def test_no_events() -> None:
    aggregations: frozenset[Aggregation] = frozenset({"TOTAL", "MINIMUM"})
    answer = ask(view_of(), Pivot(("country",), aggregations=aggregations), COLUMNS)
    assert lines(answer) == PivotLines([([], 0), ([], 0)], [], [])


FACTS = st.builds(
    lambda visitor, session, path, country, browser, hours, key: {
        "visitor": visitor,
        "session": visitor * 10 + session,
        "path": path,
        "country": country,
        "browser": browser,
        "at": START + timedelta(hours=hours),
        "key_event": key,
        "page_view": path != "/b",
    },
    st.integers(1, 3), st.integers(0, 1), st.sampled_from(["/", "/a", "/b"]), st.sampled_from(["Italy", "Spain"]),
    st.sampled_from(["Chrome", "Firefox", "Opera"]), st.integers(-30, 30), st.booleans(),
)  # fmt: skip
METRICS = ("totalUsers", "eventCount", "sessions", "keyEvents")
ORDERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(METRICS), st.none(), st.booleans()),
        st.tuples(st.just("own dimension"), st.none(), st.booleans()),
        st.tuples(st.sampled_from(METRICS), st.just({"other": "0"}), st.booleans()),
    ),
    max_size=2,
)
PAGES = st.tuples(
    ORDERS, st.integers(1, 4), st.integers(0, 2), st.sets(st.sampled_from(["TOTAL", "MINIMUM", "MAXIMUM"]))
)


@given(
    st.lists(FACTS, max_size=14),
    st.sampled_from(
        [(("country",), ("browser",)), (("country", "pagePath"), ("dateRange", "browser")), (("date", "browser"),)]
    ),
    st.lists(PAGES, min_size=2, max_size=2),
    st.booleans(),
    st.sampled_from([0, 0, 2]),
)
def test_pivots_are_those_that_plain_python_counts(
    events: list[dict[str, Any]], dimensions: tuple[tuple[str, ...], ...], pages: list[Any], two: bool, least: int
) -> None:
    two &= "dateRange" in sum(dimensions, ())
    ranges = {"some": (date(2026, 11, 10), date(2026, 11, 10)), "all": (date(2026, 11, 1), date(2026, 11, 20))}
    chosen = dict(list(ranges.items())[: 2 if two else 1])
    asked = [_asked(dimensions, number, page) for number, page in enumerate(pages[: len(dimensions)])]
    answer = ask(
        FrameView(built([dict(each) for each in events])),
        *(_pivot(each) for each in asked),
        metrics=METRICS,
        date_ranges=tuple(DateRange(str(first), str(last), name) for name, (first, last) in chosen.items()),
        metric_filter=NumericFilter("eventCount", "GREATER_THAN", least) if least else None,
    )
    facts = {
        name: [_fact(each) for each in events if first <= each["at"].date() <= last]
        for name, (first, last) in chosen.items()
    }
    assert lines(answer) == pivot(facts, asked, METRICS, lambda values: values["eventCount"] > least)


def _asked(dimensions: tuple[tuple[str, ...], ...], number: int, page: Any) -> SlowPivot:
    own, others = dimensions[number], [name for n, names in enumerate(dimensions) for name in names if n != number]
    values = {"country": "Italy", "browser": "Firefox", "pagePath": "/a", "dateRange": "some"}
    orders, limit, offset, aggregations = page
    named = [
        (own[0] if name == "own dimension" else name, {n: values[n] for n in others} if other else None, descending)
        for name, other, descending in orders
        if not other or others
    ]
    return SlowPivot(own, named, limit, offset, sorted(aggregations))


def _pivot(asked: SlowPivot) -> Pivot:
    orders = tuple(
        ByPivot(name, dict(values), descending)
        if values
        else (ByDimension if name in asked.dimensions else ByMetric)(name, descending)
        for name, values, descending in asked.orders
    )
    return Pivot(tuple(asked.dimensions), orders, asked.limit, asked.offset, frozenset(asked.aggregations))  # type: ignore[arg-type]


def _fact(event: dict[str, Any]) -> dict[str, Any]:
    plain = {"active": True, "engaged": False, "lasting": 0, "engagement_ms": 0, "first_visit": False, "key_value": 0}
    return {**plain, **event, "key": event["key_event"], "local": event["at"], "day": str(event["at"].date()),
            "event": "page_view"}  # fmt: skip


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "more-reports.md").read_text().split("## Pivot")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    answer = render(run(request, view_of(*EVENTS), NOW))
    assert answer["pivots"][0]["values"] == (("Germany",), ("Spain",), ("Italy",))
    assert answer["aggregates"][-1]["metrics"] == (4, 6)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"metrics": ["active7DayUsers"]}, "which only tables can"),
        (
            {
                "metrics": ["unconvertedRevenue"],
                "pivots": [{"dimensions": ["currencyCode"], "aggregations": ["TOTAL"]}, {"dimensions": ["browser"]}],
            },
            "ask for no totals",
        ),
        ({"pivots": []}, "at least one pivot"),
        ({"pivots": [{"dimensions": []}]}, "Give each pivot at least one dimension"),
        ({"metrics": []}, "at least one metric"),
        ({"pivots": [{"dimensions": ["country"]}, {"dimensions": ["country"]}]}, "'country' is asked for twice"),
        ({"pivots": [{"dimensions": ["contry"]}]}, "Did you mean country"),
        ({"pivots": [{"dimensions": ["country"], "limit": 0}]}, "The limit is 0"),
        ({"pivots": [{"dimensions": ["country"], "offset": -1}]}, "The offset is -1"),
        (
            {"pivots": [{"dimensions": [n], "limit": 501} for n in ("country", "browser")]},
            "product of the pivots' limits",
        ),
        ({"date_ranges": [{"start": "today", "end": "today", "name": n} for n in "ab"]}, "add dateRange"),
        ({"pivots": [{"dimensions": ["country"], "orders": [{"type": "metric", "name": "sessions"}]}]}, "not a metric"),
        (
            {"pivots": [{"dimensions": ["country"], "orders": [{"type": "dimension", "name": "date"}]}]},
            "not a dimension",
        ),
        (
            {
                "pivots": [
                    {"dimensions": ["country"], "orders": [{"type": "pivot", "name": "totalUsers", "values": {}}]}
                ]
            },
            "there are none",
        ),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    body = {
        "kind": "pivot",
        "date_ranges": [{"start": "30daysAgo", "end": "today"}],
        "pivots": [{"dimensions": ["country"]}, {"dimensions": ["browser"]}],
        "metrics": ["totalUsers"],
    }
    with pytest.raises(ReportError, match=advice):
        run(parse({**body, **changes}), view_of(), NOW)
