"""Reports on rejected hits: what they count, which names they take, and that they read no content."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from processing.schema import CONTENT
from reporting.kinds import parse, plan_many, render, run, tabulate
from reporting.kinds.rejected.report import RejectedReport
from reporting.model.now import Now
from reporting.model.report import DateRange, ReportError
from reporting.registry.rejected import REJECTED_DIMENSIONS
from reporting.rejected_hits import rejected_by_reason
from tests.support.builders import view_of
from tests.support.installation import NOON, Installation, ga4

DAY = date(2026, 11, 20)
NOW = Now.at_end_of(DAY, "Etc/UTC")
TODAY = [{"start": "today", "end": "today"}]
GPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
CLAUDE = "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
pytestmark = pytest.mark.django_db


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    here = Installation(tmp_path)
    pages = [("/a", GPT), ("/a", GPT), ("/b", GPT), ("/a", CLAUDE), ("/a", "Googlebot/2.1")]
    here.send(
        *(
            ga4(n, client=f"{n}.1", at=NOON + n, page=f"https://shop.example{path}", agent=agent)
            for n, (path, agent) in enumerate(pages, 1)
        ),
        ga4(20, client="7.7", at=NOON, hit="same", page="https://shop.example/c"),
        ga4(21, client="7.7", at=NOON + 9, hit="same", page="https://shop.example/c"),
        ga4(22, client="8.8", at=NOON, hit="bot twice", agent=GPT),
        ga4(23, client="8.8", at=NOON + 9, hit="bot twice", agent=GPT),
        ga4(24, client="9.9", at=NOON, event=""),
    )
    here.receive()
    return here


def ask(installation: Installation, **fields: Any) -> Any:
    return run(parse({"kind": "rejected", "date_ranges": TODAY, **fields}), installation.view(), NOW)


def lines(answer: Any) -> list[tuple[Any, ...]]:
    return [(*row.dimensions, *row.metrics) for row in answer.rows]


@pytest.mark.parametrize("sealed", [False, True])
def test_it_works(installation: Installation, sealed: bool) -> None:
    """Which AI crawlers read which pages, in one request."""
    if sealed:
        installation.worker.seal(everything=True)
    answer = ask(
        installation,
        dimensions=["botName", "pagePath"],
        metrics=["rejectedHits", "rejectedVisitors"],
        dimension_filter={"type": "string", "field": "botCategory", "value": "ai crawler"},
        aggregations=["TOTAL"],
    )
    assert lines(answer) == [
        ("GPTBot", "/", 2, 1),
        ("GPTBot", "/a", 2, 2),
        ("ClaudeBot", "/a", 1, 1),
        ("GPTBot", "/b", 1, 1),
    ]
    assert answer.totals[0].metrics == (6, 5)


def test_reasons_are_those_of_the_panel(installation: Installation) -> None:
    expected = {each.reason: each.hits for each in rejected_by_reason(installation.view(), DAY, DAY, 0)}
    assert dict(lines(ask(installation))) == expected == {"bot": 6, "duplicate": 2, "malformed": 1}


def test_pages_of_the_answer(installation: Installation) -> None:
    by_name = ask(
        installation,
        dimensions=["botName", "date", "hour", "hostName", "country", "rule"],
        orders=[{"type": "dimension", "name": "botName", "descending": True}],
        limit=1,
        offset=1,
        metric_filter={"type": "numeric", "field": "rejectedVisitors", "operation": "GREATER_THAN", "value": 0},
    )
    assert by_name.row_count == 4
    assert lines(by_name) == [("GPTBot", "20261120", "12", "shop.example", "(not set)", "(not set)", 5)]


def test_days_without_hits_and_several_ranges(installation: Installation) -> None:
    ranges = [{"start": "today", "end": "today", "name": "now"}, {"start": "2daysAgo", "end": "yesterday"}]
    answer = ask(installation, date_ranges=ranges, dimensions=["date"], keep_empty_rows=True)
    assert lines(answer) == [
        ("20261120", "now", 9),
        ("20261118", "date_range_1", 0),
        ("20261119", "date_range_1", 0),
    ]


def test_the_answer_is_that_of_a_table(installation: Installation) -> None:
    answer = ask(installation, dimensions=["botCategory"])
    assert render(answer)["rows"][0] == {"dimensions": ("AI crawler",), "metrics": (6,)}
    assert tabulate(answer).columns == ["botCategory", "rejectedHits"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dimensions": ["browser"]}, "They have: reason, rule"),
        ({"dimensions": ["botname"]}, "Did you mean botName"),
        ({"metrics": ["sessions"]}, "They have: rejectedHits"),
        ({"dimension_filter": {"type": "string", "field": "sessions", "value": "1"}}, "is a metric"),
        ({"metric_filter": {"type": "numeric", "field": "reason", "operation": "EQUAL", "value": 1}}, "is a dimension"),
        ({"orders": [{"type": "metric", "name": "rejectedVisitors"}]}, "is not a metric of it"),
        ({"limit": 0}, "The limit is 0"),
        ({"date_ranges": []}, "at least one date range"),
        ({"expressions": {}}, "unknown field"),
        ({"comparisons": [{"name": "all"}]}, "takes no segment"),
    ],
)
def test_mistakes(installation: Installation, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ReportError, match=words):
        ask(installation, **fields)


def test_only_the_columns_of_the_report_are_read(installation: Installation) -> None:
    """And no content, however much the hits held."""
    installation.worker.seal(everything=True)
    view = installation.view()
    read = list[tuple[str, ...]]()
    store: Any = view.sealed.columns.store
    original = store.read

    def recording(name: str, section: str, columns: Sequence[str] | None = None, *rows: Any) -> Any:
        read.append(tuple(columns or ("everything",)))
        return original(name, section, columns, *rows)

    store.read = recording
    run(parse({"kind": "rejected", "date_ranges": TODAY, "dimensions": ["botName"]}), view, NOW)
    names = {name for columns in read for name in columns}
    assert "bot_name" in names
    assert not names & {*CONTENT, "reason", "path", "everything"}


def test_the_cost_is_that_of_rejected_hits(installation: Installation) -> None:
    view = installation.view()
    planned = plan_many([RejectedReport(date_ranges=(DateRange("today", "today"),))], view, NOW)
    assert planned.steps(lambda *_: 10**9, view.count_rejected) < 100_000
    assert view.count_rejected(DAY, DAY) == 9


def test_a_view_of_some_events_has_no_rejected_hits() -> None:
    report = RejectedReport(date_ranges=(DateRange("today", "today"),))
    planned = plan_many([report], view_of(), NOW)
    with pytest.raises(ReportError, match="for the whole property only"):
        planned.run()


def test_a_page_or_country_has_the_name_that_it_has_for_events() -> None:
    assert {"pagePath", "hostName", "country", "date", "hour", "month"} <= {*REJECTED_DIMENSIONS}
    assert "sessionSource" not in REJECTED_DIMENSIONS
