"""Charts as plotly figures, plain enough for JSON. Colours are the page's: the browser puts them in, light or dark."""

from datetime import date, datetime, timedelta
from typing import Any

import plotly.graph_objects as go

from reporting.report import Answer


def over_time(answer: Answer, first: date, last: date) -> dict[str, Any]:
    """A line per metric over days (`date`) or hours (`dateHour`); where nothing happened, the line is at zero."""
    values = {row.dimensions[0]: row.metrics for row in answer.rows}
    moments = _hours(first, last) if answer.dimensions[0] == "dateHour" else _days(first, last)
    x = [moment.isoformat() for _, moment in moments]
    figure = go.Figure(layout=_layout())
    for number, header in enumerate(answer.metrics):
        y = [values[key][number] if key in values else 0 for key, _ in moments]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                name=_NAMES.get(header.name, header.name),
                mode="lines",
                line={"width": 2.5, "shape": "spline", "smoothing": 0.4},
            )
        )
    plain = figure.to_plotly_json()
    return {"data": [_plain(trace) for trace in plain["data"]], "layout": plain["layout"]}


_NAMES = {"activeUsers": "Visitors", "screenPageViews": "Page views"}


def _days(first: date, last: date) -> list[tuple[str, date]]:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(day.strftime("%Y%m%d"), day) for day in days]


def _hours(first: date, last: date) -> list[tuple[str, datetime]]:
    hours = [datetime(day.year, day.month, day.day, hour) for _, day in _days(first, last) for hour in range(24)]  # noqa: DTZ001 - the property's own wall clock
    return [(hour.strftime("%Y%m%d%H"), hour) for hour in hours]


def _layout() -> dict[str, Any]:
    return {
        "margin": {"l": 44, "r": 12, "t": 8, "b": 36},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": 1.12, "x": 0},
        "xaxis": {"showgrid": False, "fixedrange": True},
        "yaxis": {"rangemode": "tozero", "fixedrange": True, "zeroline": False, "tickformat": "~s"},
        "font": {"size": 12, "family": "system-ui, sans-serif"},
    }


def _plain(trace: dict[str, Any]) -> dict[str, Any]:
    return {**trace, "x": list(trace["x"]), "y": list(trace["y"])}
