"""The panels of the dashboard and the reports behind them: totals with their changes, a chart over time, tables.

Pure, but for the view that it reads.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from processing.segments.read_view import ReadView
from reporting.dashboard.annotations import Annotation, draw
from reporting.dashboard.charts import over_time, series
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.dashboard.same_time import ViewUntil
from reporting.kinds import run, run_many
from reporting.model.now import Now
from reporting.model.report import Answer, ByDimension, Report, Row
from reporting.registry.metrics import METRICS

TOTALS: Final = ("totalUsers", "sessions", "screenPageViews", "engagementRate", "averageSessionDuration")
OVER_TIME: Final = ("totalUsers", "screenPageViews")
TABLE_ROWS: Final = 10
SHARES: Final = frozenset({"engagementRate", "bounceRate"})
NOT_SET: Final = "(not set)"
NO_GEO_DATABASE: Final = "Countries need a database of places; the manual says how to set one (HITSTREAM_PLACES)."
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
    Table("pages", "Pages", "pagePath", ("screenPageViews", "totalUsers")),
    Table("sources", "Sources", "sessionSourceMedium", ("sessions", "totalUsers")),
    Table("channels", "Channels", "sessionDefaultChannelGroup", ("sessions", "totalUsers")),
    Table("browsers", "Browsers", "browser", ("totalUsers", "sessions")),
    Table("countries", "Countries", "country", ("totalUsers", "sessions")),
    Table("devices", "Devices", "deviceCategory", ("totalUsers", "sessions")),
    Table("events", "Events", "eventName", ("eventCount", "totalUsers")),
)


def panels(view: ReadView, period: ChosenPeriod, now: datetime, drawn: Sequence[Annotation] = ()) -> dict[str, Any]:
    """All panels of one pinned view, as the context of the template. `now` is in the property's zone."""
    days, dimension = (period.as_range(),), "dateHour" if is_hourly(period) else "date"
    reports = [
        Report(date_ranges=days, metrics=TOTALS),
        Report(date_ranges=days, dimensions=(dimension,), metrics=OVER_TIME, orders=(ByDimension(dimension),)),
        *(
            Report(date_ranges=days, dimensions=(table.dimension,), metrics=table.metrics, limit=TABLE_ROWS)
            for table in TABLES
        ),
    ]
    totals, values, *tables = run_many(reports, view, Now.at(now))
    lines = series(values, (period.first, period.last), now, view.begins)
    unfinished = period.last == now.date()
    chart = over_time(lines, unfinished=unfinished)
    draw(chart, drawn)
    before = _totals_before(view, period, now)
    return {
        "totals": _total_cards(totals, before),
        "compared_with": _in_words(period, now) if before else "",
        "unfinished": unfinished,
        "chart": chart,
        "annotations": [annotation.text for annotation in drawn],
        "chart_summary": _summary(totals),
        "chart_heads": lines.names,
        "chart_rows": [
            (moment, [format_value(name, value) for name, value in zip(OVER_TIME, row, strict=True)])
            for moment, row in lines.rows()
        ],
        "tables": [_table_panel(table, answer) for table, answer in zip(TABLES, tables, strict=True)],
    }


def _totals_before(view: ReadView, period: ChosenPeriod, now: datetime) -> Answer | None:
    """The totals of the period before, up to the same local time if `period` is not over. None unless the property has
    data from the whole of the period before.
    """
    earlier = period.before()
    if earlier.days < period.days or view.begins > earlier.first:
        return None
    source = ViewUntil(view, earlier.last, now) if period.last == now.date() else view
    return run(Report(date_ranges=(earlier.as_range(),), metrics=TOTALS), source, Now.at(now))


def _in_words(period: ChosenPeriod, now: datetime) -> str:
    """Such as `the 7 days before, up to the same time (15:30)`."""
    before = f"the {period.days} days before" if period.days > 1 else "the day before"
    return f"{before}, up to the same time ({now:%H:%M})" if period.last == now.date() else before


def is_hourly(period: ChosenPeriod) -> bool:
    """Returns whether the chart has a value per hour, not per day."""
    return period.days <= HOURLY_DAYS


def format_value(metric: str, value: float) -> str:
    """Returns a metric's value for people: `0.254` -> `25.4%`, `75` seconds -> `1m 15s`, `1234` -> `1,234`."""
    if metric in SHARES:
        return f"{value:.1%}"
    if METRICS[metric].type == "SECONDS":
        return f"{int(value) // 60}m {int(value) % 60:02d}s" if value >= 60 else f"{value:.0f}s"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def card(name: str, value: float, was: float) -> dict[str, str]:
    """Returns a metric with its change from `was`; `change` is empty if there was nothing before."""
    label = metric_label(name)
    # The change of a share is a difference (in points), that of all others is relative.
    difference = value - was if name in SHARES else (value - was) / was if was else 0.0
    direction = "same" if not was or abs(difference) < SMALLEST_CHANGE else "up" if difference > 0 else "down"
    return {
        "name": name,
        "label": label.text,
        "meaning": label.meaning,
        "value": format_value(name, value),
        "change": _format_change(name, difference, direction) if was else "",
        "direction": direction,
        "was": format_value(name, was),
    }


def readable_path(path: str) -> str:
    """Returns a path with its escapes decoded; unchanged if decoding would hide or change anything."""
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path
    return decoded if decoded.isprintable() and " " not in decoded else path


def _total_cards(now: Answer, before: Answer | None) -> list[dict[str, str]]:
    values, earlier = _values(now), _values(before)
    return [card(name, value, was) for name, value, was in zip(TOTALS, values, earlier, strict=True)]


def _values(answer: Answer | None) -> Sequence[float]:
    return answer.rows[0].metrics if answer and answer.rows else [0.0] * len(TOTALS)


def _format_change(name: str, difference: float, direction: str) -> str:
    if direction == "same":
        return "no change"
    digits = 1 if abs(difference) < LARGE_CHANGE else 0
    text = f"{100 * difference:+.1f} points" if name in SHARES else f"{difference:+,.{digits}%}"
    return text.replace("-", MINUS)


def _summary(totals: Answer) -> str:
    visitors, _, views, *_ = _values(totals)
    numbers = f"visitors {format_value('totalUsers', visitors)}, page views {format_value('screenPageViews', views)}"
    return f"Line chart over time. In all: {numbers}. The table below has the values."


def _table_panel(table: Table, answer: Answer) -> dict[str, Any]:
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    no_countries = table.key == "countries" and [row.dimensions for row in answer.rows] == [(NOT_SET,)]
    return {
        "key": table.key,
        "title": table.title,
        "dimension": dimension_label(table.dimension),
        "metrics": [metric_label(name).text for name in table.metrics],
        "rows": [_table_row(table, row, largest) for row in answer.rows],
        "note": NO_GEO_DATABASE if no_countries else "",
        "more": f"{answer.row_count - TABLE_ROWS:,}" if answer.row_count > TABLE_ROWS else "",
    }


def _table_row(table: Table, row: Row, largest: float) -> dict[str, Any]:
    values = [format_value(name, value) for name, value in zip(table.metrics, row.metrics, strict=True)]
    name = row.dimensions[0]
    text = readable_path(name) if table.dimension == "pagePath" else name
    return {"name": name, "text": text, "values": values, "share": f"{100 * row.metrics[0] / largest:.1f}"}
