"""What the dashboard shows, as reports: totals with the period before, a chart over time, tables. Pure, but for the view it reads."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from reporting.charts import over_time
from reporting.dimensions import DIMENSIONS
from reporting.metrics import METRICS
from reporting.report import Answer, ByDimension, DateRange, Report, Row
from reporting.run import View, run_many

TOTALS: Final = ("activeUsers", "sessions", "screenPageViews", "engagementRate", "averageSessionDuration")
TABLE_ROWS: Final = 10
SHARES: Final = frozenset({"engagementRate", "bounceRate"})


class Table(NamedTuple):
    """A panel: the title, and the report behind it (one dimension; rows come by the first metric)."""

    key: str
    title: str
    dimension: str
    metrics: tuple[str, ...]


TABLES: Final = (
    Table("pages", "Pages", "pagePath", ("screenPageViews", "activeUsers")),
    Table("channels", "Channels", "sessionDefaultChannelGroup", ("sessions", "activeUsers")),
    Table("sources", "Sources", "sessionSourceMedium", ("sessions", "activeUsers")),
    Table("countries", "Countries", "country", ("activeUsers", "sessions")),
    Table("devices", "Devices", "deviceCategory", ("activeUsers", "sessions")),
    Table("browsers", "Browsers", "browser", ("activeUsers", "sessions")),
    Table("events", "Events", "eventName", ("eventCount", "activeUsers")),
)


class Period(NamedTuple):
    """Local days, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> "Period":
        """As many days, just before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def as_range(self, name: str = "") -> DateRange:
        return DateRange(self.first.isoformat(), self.last.isoformat(), name)


def panels(view: View, period: Period, today: date) -> dict[str, Any]:
    """All panels of one pinned view, as the template's context."""
    now, *others = run_many(
        [_totals(period), _totals(period.before()), _series(period), *map(lambda t: _table(t, period), TABLES)],
        view,
        today,
    )
    before, series, *tables = others
    return {
        "totals": _total_cards(now, before),
        "before": f"{period.days} days before" if period.days > 1 else "the day before",
        "chart": over_time(series, period.first, period.last),
        "chart_summary": _summary(now),
        "tables": [_table_panel(table, answer) for table, answer in zip(TABLES, tables, strict=True)],
    }


def shown(metric: str, value: float) -> str:
    """A metric's value as a person reads it."""
    if metric in SHARES:
        return f"{value:.1%}"
    if METRICS[metric].type == "SECONDS":
        return f"{int(value) // 60} min {int(value) % 60:02d} s" if value >= 60 else f"{value:.0f} s"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def _totals(period: Period) -> Report:
    return Report(date_ranges=(period.as_range(),), metrics=TOTALS)


def _series(period: Period) -> Report:
    dimension = "date" if period.days > 2 else "dateHour"
    metrics = ("activeUsers", "screenPageViews")
    return Report(
        date_ranges=(period.as_range(),), dimensions=(dimension,), metrics=metrics, orders=(ByDimension(dimension),)
    )


def _table(table: Table, period: Period) -> Report:
    return Report(
        date_ranges=(period.as_range(),), dimensions=(table.dimension,), metrics=table.metrics, limit=TABLE_ROWS
    )


def _total_cards(now: Answer, before: Answer) -> list[dict[str, str]]:
    values, earlier = _values(now), _values(before)
    return [_card(name, value, was) for name, value, was in zip(TOTALS, values, earlier, strict=True)]


def _values(answer: Answer) -> Sequence[float]:
    return answer.rows[0].metrics if answer.rows else [0.0] * len(TOTALS)


def _card(name: str, value: float, was: float) -> dict[str, str]:
    metric = METRICS[name]
    change = (value - was) / was if was else 0.0
    direction = "same" if not was or abs(change) < 0.0005 else "up" if change > 0 else "down"
    text = f"{change:+.1%}" if was else "no data"
    return {
        "name": name,
        "label": metric.label,
        "definition": metric.definition,
        "value": shown(name, value),
        "change": text,
        "direction": direction,
    }


def _summary(now: Answer) -> str:
    visitors, _, views, *_ = _values(now)
    return f"Chart over time: {shown('activeUsers', visitors)} visitors and {shown('screenPageViews', views)} page views in the period"


def _table_panel(table: Table, answer: Answer) -> dict[str, Any]:
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    return {
        "key": table.key,
        "title": table.title,
        "dimension": DIMENSIONS[table.dimension].label,
        "metrics": [METRICS[name].label for name in table.metrics],
        "rows": [_table_row(table, row, largest) for row in answer.rows],
        "more": max(0, answer.row_count - TABLE_ROWS),
    }


def _table_row(table: Table, row: Row, largest: float) -> dict[str, Any]:
    values = [shown(name, value) for name, value in zip(table.metrics, row.metrics, strict=True)]
    return {"name": row.dimensions[0], "values": values, "share": f"{100 * row.metrics[0] / largest:.1f}"}
