"""The page of the last 30 minutes: how many people are there, what they look at, and what became of each hit."""

from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from configuration import moments
from processing.segments.read_view import ReadView
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.panel_tabs import NOT_SET
from reporting.dashboard.panels import in_words
from reporting.dashboard.rejected_panel import readable_content
from reporting.kinds import run_many
from reporting.kinds.realtime.report import MINUTES, MinuteRange, RealtimeAnswer, RealtimeReport
from reporting.model.now import Now
from reporting.model.report import Filter, InListFilter, Not
from reporting.registry.reject_reasons import MEANINGS

ONLINE: Final = 5  # minutes
ROWS: Final = 8
FEED: Final = 25
TOTALS: Final = ("totalUsers", "screenPageViews", "eventCount", "keyEvents")
TABLES: Final = (
    ("Pages", "pagePath", "totalUsers"),
    ("Sources", "sessionSource", "totalUsers"),
    ("Places", "country", "totalUsers"),
    ("Events", "eventName", "eventCount"),
)


def realtime(view: ReadView, now: datetime) -> dict[str, Any]:
    """Returns the context of _realtime.html. `now` is in the property's zone."""
    online = MinuteRange(ONLINE - 1, 0, "online")
    reports: list[object] = [
        RealtimeReport(metrics=TOTALS, minute_ranges=(online,)),
        RealtimeReport(metrics=TOTALS),
        RealtimeReport(dimensions=("minutesAgo",), metrics=("totalUsers",)),
        *(
            RealtimeReport(dimensions=(dimension,), metrics=(metric,), dimension_filter=_known(dimension), limit=ROWS)
            for _, dimension, metric in TABLES
        ),
    ]
    of_five, of_thirty, by_minute, *tables = run_many(reports, view, Now.at(now))
    return {
        "online": f"{_values(of_five)[0]:,}",
        "totals": [
            {"label": metric_label(name).text, "value": f"{value:,}"}
            for name, value in zip(TOTALS, _values(of_thirty), strict=True)
        ],
        "minutes": _bars(by_minute, now),
        "tables": [_table(*described, answer) for described, answer in zip(TABLES, tables, strict=True)],
        "feed": _feed(view, now),
        "as_of": now,
    }


def _known(dimension: str) -> Filter:
    return Not(InListFilter(dimension, (NOT_SET, "")))


def _values(answer: RealtimeAnswer) -> list[int]:
    return [int(value) for value in answer.rows[0].metrics] if answer.rows else [0] * len(TOTALS)


def _bars(answer: RealtimeAnswer, now: datetime) -> list[dict[str, Any]]:
    """A bar for each minute, the oldest first; `height` is a share of the tallest, in percent."""
    people = {int(row.dimensions[0]): int(row.metrics[0]) for row in answer.rows}
    most = max(people.values(), default=0) or 1
    return [
        {
            "x": MINUTES - 1 - ago,
            "people": people.get(ago, 0),
            "height": f"{100 * people.get(ago, 0) / most:.1f}",
            "y": f"{100 - 100 * people.get(ago, 0) / most:.1f}",
            "time": f"{now - timedelta(minutes=ago):%H:%M}",
        }
        for ago in range(MINUTES - 1, -1, -1)
    ]


def _table(title: str, dimension: str, metric: str, answer: RealtimeAnswer) -> dict[str, Any]:
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    return {
        "title": title,
        "dimension": dimension_label(dimension),
        "metric": metric_label(metric).text,
        "rows": [
            {
                "text": in_words(dimension, row.dimensions[0]),
                "value": f"{row.metrics[0]:,}",
                "share": f"{100 * row.metrics[0] / largest:.1f}",
            }
            for row in answer.rows
        ],
    }


def _feed(view: ReadView, now: datetime) -> list[dict[str, str]]:
    """The latest events and the latest hits that are not counted, the newest first."""
    since = now - timedelta(minutes=MINUTES)
    recent = pl.col("time") >= int(since.timestamp() * 1000)
    columns = ["time", "position", "event", "host", "path", "country", "device"]
    events = view.events(since.date(), now.date(), columns).filter(recent).top_k(FEED, by=["time", "position"])
    rejected = view.rejected(since.date(), now.date()).filter(recent).top_k(FEED, by=["time", "position"])
    counted = [
        (time, position, _counted(view, time, event, f"{host or ''}{path or ''}", country, device))
        for time, position, event, host, path, country, device in events.select(columns).iter_rows()
    ]
    left_out = [
        (time, position, _left_out(view, time, reason, content))
        for time, position, reason, content in view.with_content(rejected)
        .select("time", "position", "reason", "content")
        .iter_rows()
    ]
    newest = sorted([*counted, *left_out], key=lambda one: one[:2], reverse=True)
    return [hit for _, _, hit in newest[:FEED]]


def _counted(view: ReadView, time: int, event: str, page: str, country: str, device: str) -> dict[str, str]:
    return {
        "time": moments.moment(time, view.zone, seconds=True).rpartition(", ")[2],
        "what": event or "",
        "where": page,
        "who": " · ".join(each for each in (country, device) if each),
        "reason": "",
    }


def _left_out(view: ReadView, time: int, reason: str, content: str | None) -> dict[str, str]:
    return {
        "time": moments.moment(time, view.zone, seconds=True).rpartition(", ")[2],
        "what": reason,
        "where": readable_content(content or ""),
        "who": "",
        "reason": MEANINGS.get(reason, reason),
    }
