"""Charts as plotly figures, plain enough for JSON.

Colours are custom properties of hitstream.css, which the browser looks up, so that a chart is light or dark like the
page.
"""

from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from reporting.dashboard.labels import metric_label
from reporting.model.report import Answer

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FEW_MOMENTS: Final = 8
FEW_COUNTS: Final = 5
COLOURS: Final = ("--accent", "--second")


class Moment(NamedTuple):
    """A day or an hour: as the dimension's value, in the format of plotly, and for people."""

    key: str
    x: str
    text: str


class Series(NamedTuple):
    """A value per moment for each metric; 0 where nothing happened. `axis`: all moments of the chart, of which those
    before the data begin have no values.
    """

    names: list[str]
    moments: list[Moment]
    values: list[list[float]]
    axis: list[Moment]

    def rows(self) -> list[tuple[str, tuple[float, ...]]]:
        """Returns the same as a table, the latest moment first."""
        by_moment = zip(self.moments, zip(*self.values, strict=True), strict=True)
        return [(moment.text, values) for moment, values in by_moment][::-1]


def series(answer: Answer, days: tuple[date, date], now: datetime, begins: date) -> Series:
    """One value per day or hour of `days`, for a report by `date` or `dateHour`. Hours after `now` are left out.

    `begins` is the first day that has data.
    """
    values = {row.dimensions[0]: row.metrics for row in answer.rows}
    axis = _hours(*days, now) if answer.dimensions[0] == "dateHour" else _days(*days)
    nothing = [0.0] * len(answer.metrics)
    # Where the data begin within these days, their first moment is the first that the answer has.
    begun = min(values, default=axis[-1].key + "~") if begins >= days[0] else ""
    moments = [moment for moment in axis if moment.key >= begun]
    rows = [values.get(moment.key, nothing) for moment in moments]
    names = [metric_label(header.name).text for header in answer.metrics]
    return Series(names, moments, [[row[number] for row in rows] for number in range(len(names))], axis)


def over_time(lines: Series, *, unfinished: bool) -> dict[str, Any]:
    """Returns a figure with a line per metric. An unfinished last moment is a point at the end of a dotted line."""
    x, axis = [moment.x for moment in lines.moments], [moment.x for moment in lines.axis]
    hours = len(axis[0]) > len("2026-01-31")
    single_point = unfinished or len(x) == 1
    layout = _layout(hours=hours)
    if len(axis) > 1:
        layout["xaxis"]["range"] = [axis[0], axis[-1]]
    if len(axis) <= FEW_MOMENTS:  # ticks at whole days or hours, and below at whole counts
        layout["xaxis"]["dtick"] = HOUR_MS if hours else DAY_MS
    if max((max(y, default=0) for y in lines.values), default=0) <= FEW_COUNTS:
        layout["yaxis"]["dtick"] = 1
    figure: dict[str, Any] = {"data": [], "layout": layout}
    for name, y, colour in zip(lines.names, lines.values, COLOURS, strict=False):
        figure["data"] += _traces(name, x, y, colour, single_point=single_point)
        if single_point and len(x) > 1:
            layout["shapes"].append(_dotted(x, y, colour))
    return figure


def _traces(name: str, x: list[str], y: list[float], colour: str, *, single_point: bool) -> list[dict[str, Any]]:
    both = {"type": "scatter", "name": name, "hovertemplate": "%{y:,}", "cliponaxis": False}
    line = {"mode": "lines", "line": {"width": 2.5, "color": colour}}
    if not single_point:
        return [{**both, **line, "x": x, "y": y}]
    point = {"mode": "markers", "marker": {"size": 8, "color": colour}}
    return [{**both, **line, "x": x[:-1], "y": y[:-1]}, {**both, **point, "x": x[-1:], "y": y[-1:]}]


def _dotted(x: list[str], y: list[float], colour: str) -> dict[str, Any]:
    (x0, x1), (y0, y1) = x[-2:], y[-2:]
    return {
        "type": "line",
        "x0": x0,
        "x1": x1,
        "y0": y0,
        "y1": y1,
        "line": {"width": 2, "dash": "dot", "color": colour},
    }


def _days(first: date, last: date) -> list[Moment]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [Moment(f"{day:%Y%m%d}", day.isoformat(), f"{day:%a} {day.day} {day:%b %Y}") for day in days]


def _hours(first: date, last: date, now: datetime) -> list[Moment]:
    begin = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - the property's own wall clock
    count = 24 * ((last - first).days + 1)
    hours = [begin + timedelta(hours=n) for n in range(count)]
    past = [hour for hour in hours if hour <= now.replace(tzinfo=None)]
    return [Moment(f"{hour:%Y%m%d%H}", hour.isoformat(), f"{hour:%a} {hour.day} {hour:%b, %H:00}") for hour in past]


def _layout(*, hours: bool) -> dict[str, Any]:
    return {
        "margin": {"l": 44, "r": 24, "t": 8, "b": 36},
        "hovermode": "x unified",
        "dragmode": False,
        "showlegend": False,
        "shapes": [],
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hoverlabel": {"bgcolor": "--card", "bordercolor": "--edge", "font": {"color": "--ink"}},
        "xaxis": {
            "type": "date",  # also where no line shows it
            "showgrid": False,
            "linecolor": "--line",
            "spikecolor": "--edge",
            "spikethickness": 1,
            "fixedrange": True,
            "hoverformat": "%a %-d %b, %H:00" if hours else "%a %-d %b %Y",
            "tickformat": "%H:00\n%-d %b" if hours else "%-d %b\n%Y",
            "nticks": 8,
        },
        "yaxis": {
            "rangemode": "tozero",
            "fixedrange": True,
            "zeroline": False,
            "gridcolor": "--line",
            "tickformat": "~s",
            "nticks": 5,
        },
        "font": {"size": 12, "family": "system-ui, sans-serif", "color": "--quiet"},
    }
