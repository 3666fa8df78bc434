"""The programs among the hits that are not counted: which sorts, which ones, and which pages they read."""

from typing import Any, Final

from processing.segments.read_view import ReadView
from reporting.dashboard.panels import readable_path
from reporting.kinds import run_many
from reporting.kinds.rejected.report import RejectedAnswer, RejectedReport
from reporting.model.now import Now
from reporting.model.report import DateRange, Filter, InListFilter, Not, StringFilter

ROWS: Final = 10
NO_BOT: Final = "(not set)"
BY_PROGRAM: Final = StringFilter("reason", "bot", case_sensitive=True)
TABLES: Final[tuple[tuple[str, str, Filter], ...]] = (
    ("Sorts of programs", "botCategory", Not(InListFilter("botCategory", (NO_BOT,)))),
    ("Programs", "botName", Not(InListFilter("botName", (NO_BOT,)))),
    ("Pages that programs read", "pagePath", BY_PROGRAM),
    ("Pages that AI crawlers read", "pagePath", StringFilter("botCategory", "AI crawler", case_sensitive=True)),
)


def crawlers(view: ReadView, days: DateRange, now: Now) -> list[dict[str, Any]]:
    """Returns the tables of not_counted.html that have rows."""
    reports = [
        RejectedReport(date_ranges=(days,), dimensions=(dimension,), dimension_filter=only, limit=ROWS)
        for _, dimension, only in TABLES
    ]
    answers = run_many(reports, view, now)
    tables = [_table(title, dimension, answer) for (title, dimension, _), answer in zip(TABLES, answers, strict=True)]
    return [table for table in tables if table["rows"]]


def _table(title: str, dimension: str, answer: RejectedAnswer) -> dict[str, Any]:
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    return {
        "title": title,
        "pages": dimension == "pagePath",
        "more": f"{answer.row_count:,}" if answer.row_count > ROWS else "",
        "rows": [
            {
                "text": readable_path(row.dimensions[0]) if dimension == "pagePath" else row.dimensions[0],
                "hits": f"{row.metrics[0]:,}",
                "share": f"{100 * row.metrics[0] / largest:.1f}",
            }
            for row in answer.rows
        ],
    }
