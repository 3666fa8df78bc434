"""What the overview shows, and the reports behind it: totals with their changes, a chart over time, tables.

Pure, but for the view that it reads.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec
from django.http import QueryDict

from configuration import moments
from processing.segments.read_view import ReadView
from reporting.dashboard.annotations import Annotation, draw
from reporting.dashboard.charts import Chart, chart_of, figure_of, svg_of, table_of
from reporting.dashboard.filter_chips import unique
from reporting.dashboard.intervals import INTERVALS
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.links import link
from reporting.dashboard.number_format import change, format_value
from reporting.dashboard.page_request import TOTALS, PageRequest
from reporting.dashboard.panel_tabs import NOT_SET, PANELS, Panel, Tab
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.dashboard.same_time import ViewUntil
from reporting.dashboard.week_heat import heat_map, heat_report
from reporting.kinds import run_many
from reporting.model.now import Now
from reporting.model.report import And, Answer, ByDimension, Filter, InListFilter, Report, Row
from reporting.query.load import ReportSource

TABLE_ROWS: Final = 10
PATHS: Final = frozenset({"pagePath", "pagePathPlusQueryString", "landingPage", "exitPage"})
CAPITAL: Final = frozenset({"deviceCategory"})
WORDS: Final = {NOT_SET: "Unknown", "(direct)": "Direct", "(none)": "None"}
LONGEST_CHART: Final = 2_000  # moments


class Shown(NamedTuple):
    """The answers behind the page for one period."""

    totals: Answer
    over_time: Answer
    tables: list[Answer]
    by_hour: Answer


def panels(
    view: ReadView, asked: PageRequest, now: datetime, query: QueryDict, drawn: Sequence[Annotation] = ()
) -> dict[str, Any]:
    """All panels of one pinned view, as the context of the template. `now` is in the property's zone."""
    period, compared = asked.choice.period, comparable(view, asked.compared.period)
    shown = _answers(view, asked, period, now, tables=[_table(asked, tab, period) for tab in asked.tabs.values()])
    before = None
    if compared:
        source = as_far(view, compared, period, now)
        rows = zip(asked.tabs.values(), shown.tables, strict=True)
        before = _answers(source, asked, compared, now, tables=[_same_rows(asked, *each, compared) for each in rows])
    return {
        **_chart_over_time(view, asked, now, shown, before, drawn),
        "totals": _tiles(shown.totals, before and before.totals, asked.metrics, query),
        "compared_with": _in_words(compared, unfinished=period.last == now.date(), now=now) if compared else "",
        "nothing_earlier": asked.compared.period is not None and compared is None,
        "heat": heat_map(shown.by_hour),
        "columns": [
            [
                _panel(panel, asked, shown.tables[number], before and before.tables[number], query)
                for number, panel in enumerate(PANELS)
                if number % 2 == column
            ]
            for column in (0, 1)
        ],
    }


def _chart_over_time(
    view: ReadView,
    asked: PageRequest,
    now: datetime,
    shown: Shown,
    before: Shown | None,
    drawn: Sequence[Annotation],
) -> dict[str, Any]:
    """The chart in its three forms: as a figure for plotly, as an SVG, and as a table."""
    chart = chart_of(
        shown.over_time,
        before and before.over_time,
        interval=asked.interval,
        period=asked.choice.period,
        compared_period=comparable(view, asked.compared.period),
        now=now,
        begins=view.begins,
        filtered=asked.filter is not None,
    )
    figure = figure_of(chart)
    draw(figure, drawn)
    return {
        "unfinished": chart.unfinished,
        "chart": figure,
        "svg": svg_of(chart, drawn),
        "chart_summary": _summary(chart, shown.totals),
        "chart_heads": [line.label for line in chart.lines],
        "chart_rows": table_of(chart),
    }


def comparable(view: ReadView, period: ChosenPeriod | None) -> ChosenPeriod | None:
    """The compared period, if the property has data from the whole of it."""
    return period if period and view.begins <= period.first else None


def as_far(view: ReadView, compared: ChosenPeriod, period: ChosenPeriod, now: datetime) -> ReportSource:
    """The view of the compared period: if the period is not over, up to the same time of its last day."""
    return ViewUntil(view, compared.last, now) if period.last == now.date() else view


def _answers(
    source: ReportSource, asked: PageRequest, period: ChosenPeriod, now: datetime, *, tables: list[Report]
) -> Shown:
    days, dimension = (period.as_range(),), INTERVALS[asked.interval].dimension
    reports = [
        Report(date_ranges=days, metrics=TOTALS, dimension_filter=asked.filter),
        Report(
            date_ranges=days,
            dimensions=(dimension,),
            metrics=asked.metrics,
            orders=(ByDimension(dimension),),
            dimension_filter=asked.filter,
            limit=LONGEST_CHART,
        ),
        heat_report(days[0], asked.filter),
        *tables,
    ]
    totals, over_time, by_hour, *answers = run_many(reports, source, Now.at(now))
    return Shown(totals, over_time, answers, by_hour)


def _table(asked: PageRequest, tab: Tab, period: ChosenPeriod) -> Report:
    return Report(
        date_ranges=(period.as_range(),),
        dimensions=(tab.dimension,),
        metrics=tab.metrics,
        dimension_filter=all_of(asked.filter, tab.only),
        metric_filter=tab.where,
        limit=TABLE_ROWS,
    )


def _same_rows(asked: PageRequest, tab: Tab, answer: Answer, period: ChosenPeriod) -> Report:
    """The rows of a table in another period."""
    values = tuple(row.dimensions[0] for row in answer.rows)
    same = InListFilter(tab.dimension, values, case_sensitive=True) if values else None
    report = _table(asked, tab, period)
    return msgspec.structs.replace(report, dimension_filter=all_of(report.dimension_filter, same))


def all_of(*filters: Filter | None) -> Filter | None:
    """Joins filters, of which some may be missing."""
    present = tuple(each for each in filters if each is not None)
    return And(present) if len(present) > 1 else next(iter(present), None)


def _in_words(compared: ChosenPeriod, *, unfinished: bool, now: datetime) -> str:
    """Such as `5 Oct 2026 – 1 Nov 2026, up to the same time (15:30)`."""
    first, last = (moments.day(day) for day in compared)
    days = first if first == last else f"{first} – {last}"
    return f"{days}, up to the same time ({now:%H:%M})" if unfinished else days


def card(name: str, value: float, was: float) -> dict[str, str]:
    """Returns a metric with its change from `was`; `change` is empty if there was nothing before."""
    label = metric_label(name)
    words, direction = change(name, value, was) if was else ("", "same")
    return {
        "name": name,
        "label": label.text,
        "meaning": label.meaning,
        "value": format_value(name, value),
        "change": words,
        "direction": direction,
        "was": format_value(name, was),
    }


def _tiles(now: Answer, before: Answer | None, on_chart: Sequence[str], query: QueryDict) -> list[dict[str, Any]]:
    """The totals; each leads to the page whose chart shows it as the last of two."""
    values, earlier = _values(now), _values(before)
    return [
        card(name, value, was)
        | {
            "line": on_chart.index(name) + 1 if name in on_chart else 0,
            "address": link(query, metric=_toggled(name, on_chart)),
        }
        for name, value, was in zip(TOTALS, values, earlier, strict=True)
    ]


def _toggled(name: str, on_chart: Sequence[str]) -> list[str]:
    """The metrics on the chart after a click: one that is there leaves unless it is alone, else it comes second."""
    if name in on_chart:
        return [other for other in on_chart if other != name] or [name]
    return [on_chart[-1], name] if len(on_chart) > 1 else [*on_chart, name]


def _values(answer: Answer | None) -> Sequence[float]:
    return answer.rows[0].metrics if answer and answer.rows else [0.0] * len(TOTALS)


def readable_path(path: str) -> str:
    """Returns a path with its escapes decoded; unchanged if decoding would hide or change anything."""
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeDecodeError:
        return path
    return decoded if decoded.isprintable() and " " not in decoded else path


def _summary(chart: Chart, totals: Answer) -> str:
    values = dict(zip(TOTALS, _values(totals), strict=True))
    numbers = ", ".join(f"{line.label} {format_value(line.metric, values[line.metric])}" for line in chart.lines)
    return f"Line chart over time. In all: {numbers}. The table below has the values."


def _panel(panel: Panel, asked: PageRequest, answer: Answer, before: Answer | None, query: QueryDict) -> dict[str, Any]:
    tab = asked.tabs[panel.key]
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    earlier = {row.dimensions: row.metrics[0] for row in before.rows} if before else {}
    nothing = [row.dimensions for row in answer.rows] in ([], [(NOT_SET,)])
    return {
        "key": panel.key,
        "title": panel.title,
        "help": panel.help,
        "tabs": [_tab_link(panel, each, each is tab, query) for each in panel.tabs],
        "dimension": dimension_label(tab.dimension),
        "metrics": [metric_label(name).text for name in tab.metrics],
        "compared": before is not None,
        "rows": [table_row(tab, row, largest, earlier, before is not None, query) for row in answer.rows],
        "note": tab.empty if nothing else "",
        "more": f"{answer.row_count:,}" if answer.row_count > TABLE_ROWS else "",
        "tab": tab.key,
    }


def in_words(dimension: str, value: str) -> str:
    """A value as people read it: `mobile` -> `Mobile`, a path without escapes."""
    if dimension in PATHS:
        return readable_path(value)
    return WORDS.get(value) or (value[:1].upper() + value[1:] if dimension in CAPITAL else value)


def _tab_link(panel: Panel, tab: Tab, current: bool, query: QueryDict) -> dict[str, Any]:
    default = tab is panel.tabs[0] and panel.key not in query  # a shared link may open another one
    return {"title": tab.title, "current": current, "address": link(query, **{panel.key: "" if default else tab.key})}


def table_row(
    tab: Tab, row: Row, largest: float, earlier: Mapping[tuple[str, ...], float], compared: bool, query: QueryDict
) -> dict[str, Any]:
    """A row with the links that filter the page by it, or leave it out."""
    name, filters = row.dimensions[0], query.getlist("f")
    words, direction = (
        change(tab.metrics[0], row.metrics[0], earlier.get(row.dimensions, 0.0)) if compared else ("", "")
    )
    return {
        "name": name,
        "text": in_words(tab.dimension, name),
        "values": [format_value(metric, value) for metric, value in zip(tab.metrics, row.metrics, strict=True)],
        "share": f"{100 * row.metrics[0] / largest:.1f}",
        "change": words,
        "direction": direction,
        "only": link(query, f=unique([*filters, f"{tab.dimension}:is:{name}"])),
        "without": link(query, f=unique([*filters, f"{tab.dimension}:not:{name}"])),
    }
