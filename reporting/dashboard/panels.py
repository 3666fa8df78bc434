"""What the dashboard shows, as reports: totals with the period before, a chart over time, tables.

Pure, but for the view it reads.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from processing.segments.read_view import ReadView
from reporting.dashboard.annotations import Annotation, draw
from reporting.dashboard.charts import Series, over_time, series
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.kinds.table.run import run_many
from reporting.model.report import Answer, ByDimension, Report, Row
from reporting.registry.metrics import METRICS

TOTALS: Final = ("activeUsers", "sessions", "screenPageViews", "engagementRate", "averageSessionDuration")
OVER_TIME: Final = ("activeUsers", "screenPageViews")
TABLE_ROWS: Final = 10
SHARES: Final = frozenset({"engagementRate", "bounceRate"})
NOT_SET: Final = "(not set)"
NO_PLACES: Final = "Countries need a place database; the manual says how to set one (HITSTREAM_PLACES)."
HOURLY_DAYS: Final = 2
SMALLEST_CHANGE: Final = 0.0005
LARGE_CHANGE: Final = 1
MINUS: Final = "\N{MINUS SIGN}"


class Table(NamedTuple):
    """A panel: the title, and the report behind it (one dimension; rows come by the first metric)."""

    key: str
    title: str
    dimension: str
    metrics: tuple[str, ...]


TABLES: Final = (
    Table("pages", "Pages", "pagePath", ("screenPageViews", "activeUsers")),
    Table("sources", "Sources", "sessionSourceMedium", ("sessions", "activeUsers")),
    Table("channels", "Channels", "sessionDefaultChannelGroup", ("sessions", "activeUsers")),
    Table("browsers", "Browsers", "browser", ("activeUsers", "sessions")),
    Table("countries", "Countries", "country", ("activeUsers", "sessions")),
    Table("devices", "Devices", "deviceCategory", ("activeUsers", "sessions")),
    Table("events", "Events", "eventName", ("eventCount", "activeUsers")),
)


def panels(view: ReadView, period: ChosenPeriod, now: datetime, found: Sequence[Annotation] = ()) -> dict[str, Any]:
    """All panels of one pinned view, as the template's context. `now` is in the property's zone; `found` are the
    marks of the chart.
    """
    reports = [
        _totals(period),
        _totals(period.before()),
        _over_time(period),
        *(_table(each, period) for each in TABLES),
    ]
    totals, before, values, *tables = run_many(reports, view, now.date())
    lines = series(values, period.first, period.last, now)
    unfinished = period.last == now.date()
    chart = over_time(lines, unfinished=unfinished)
    draw(chart, found)
    return {
        "totals": _total_cards(totals, before if view.begins <= period.before().first else None),
        "before": f"the {period.days} days before" if period.days > 1 else "the day before",
        "unfinished": unfinished,
        "chart": chart,
        "marks": [mark.text for mark in found],
        "chart_summary": _summary(totals),
        "chart_heads": lines.names,
        "chart_rows": _chart_rows(lines),
        "tables": [_table_panel(table, answer) for table, answer in zip(TABLES, tables, strict=True)],
    }


def is_hourly(period: ChosenPeriod) -> bool:
    """Whether the chart has hours; else it has days."""
    return period.days <= HOURLY_DAYS


def format_value(metric: str, value: float) -> str:
    """A metric's value as a person reads it."""
    if metric in SHARES:
        return f"{value:.1%}"
    if METRICS[metric].type == "SECONDS":
        return f"{int(value) // 60}m {int(value) % 60:02d}s" if value >= 60 else f"{value:.0f}s"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def card(name: str, value: float, was: float) -> dict[str, str]:
    """A figure with its change from what it was; `change` is empty where there was nothing."""
    label = metric_label(name)
    difference = value - was if name in SHARES else (value - was) / was if was else 0.0
    direction = "same" if not was or abs(difference) < SMALLEST_CHANGE else "up" if difference > 0 else "down"
    return {
        "name": name,
        "label": label.text,
        "meaning": label.meaning,
        "value": format_value(name, value),
        "change": _change(name, difference, direction) if was else "",
        "direction": direction,
        "was": format_value(name, was),
    }


def readable_path(path: str) -> str:
    """A path with its letters decoded; as it was sent where that would hide or change anything."""
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path
    return decoded if decoded.isprintable() and " " not in decoded else path


def _totals(period: ChosenPeriod) -> Report:
    return Report(date_ranges=(period.as_range(),), metrics=TOTALS)


def _over_time(period: ChosenPeriod) -> Report:
    dimension = "dateHour" if is_hourly(period) else "date"
    return Report(
        date_ranges=(period.as_range(),),
        dimensions=(dimension,),
        metrics=OVER_TIME,
        orders=(ByDimension(dimension),),
    )


def _table(table: Table, period: ChosenPeriod) -> Report:
    return Report(
        date_ranges=(period.as_range(),), dimensions=(table.dimension,), metrics=table.metrics, limit=TABLE_ROWS
    )


def _total_cards(now: Answer, before: Answer | None) -> list[dict[str, str]]:
    values, earlier = _values(now), _values(before)
    return [card(name, value, was) for name, value, was in zip(TOTALS, values, earlier, strict=True)]


def _values(answer: Answer | None) -> Sequence[float]:
    return answer.rows[0].metrics if answer and answer.rows else [0.0] * len(TOTALS)


def _change(name: str, difference: float, direction: str) -> str:
    """A share changes by points, everything else by a share of what it was."""
    if direction == "same":
        return "no change"
    digits = 1 if abs(difference) < LARGE_CHANGE else 0
    text = f"{100 * difference:+.1f} points" if name in SHARES else f"{difference:+,.{digits}%}"
    return text.replace("-", MINUS)


def _summary(totals: Answer) -> str:
    visitors, _, views, *_ = _values(totals)
    numbers = f"visitors {format_value('activeUsers', visitors)}, page views {format_value('screenPageViews', views)}"
    return f"Line chart over time. In all: {numbers}. The table below has the values."


def _chart_rows(lines: Series) -> list[tuple[str, list[str]]]:
    return [
        (text, [format_value(name, value) for name, value in zip(OVER_TIME, values, strict=True)])
        for text, values in lines.rows()
    ]


def _table_panel(table: Table, answer: Answer) -> dict[str, Any]:
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    return {
        "key": table.key,
        "title": table.title,
        "dimension": dimension_label(table.dimension),
        "metrics": [metric_label(name).text for name in table.metrics],
        "rows": [_table_row(table, row, largest) for row in answer.rows],
        "note": NO_PLACES
        if [row.dimensions for row in answer.rows] == [(NOT_SET,)] and table.key == "countries"
        else "",
        "more": f"{answer.row_count - TABLE_ROWS:,}" if answer.row_count > TABLE_ROWS else "",
    }


def _table_row(table: Table, row: Row, largest: float) -> dict[str, Any]:
    values = [format_value(name, value) for name, value in zip(table.metrics, row.metrics, strict=True)]
    name = row.dimensions[0]
    text = readable_path(name) if table.dimension == "pagePath" else name
    return {"name": name, "text": text, "values": values, "share": f"{100 * row.metrics[0] / largest:.1f}"}
