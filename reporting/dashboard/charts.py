"""The chart over time, twice with the same numbers: as an SVG that stands in the page when it arrives, and as a plotly
figure that takes its place when the browser is idle.

Colours are custom properties of hitstream.css, which the browser looks up, so that a chart is light or dark like the
page.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, time
from math import ceil, floor, log10
from typing import Any, Final, NamedTuple

from reporting.dashboard.annotations import Annotation
from reporting.dashboard.intervals import INTERVALS, Moment
from reporting.dashboard.labels import metric_label
from reporting.dashboard.number_format import compact, format_value
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.model.report import Answer

COLOURS: Final = ("--accent", "--second")
GRID_LINES: Final = 4
MOST_LABELS: Final = 7  # on the axis of time
STEPS: Final = (1, 2, 2.5, 5, 10)
NEVER: Final = "~"  # a key after all others
SCALE: Final = 1000  # of the SVG's coordinates, both ways


class Line(NamedTuple):
    """A metric's value per moment; `compared` has those of the compared period, as many as it has moments.

    Moments before the data begin have no values: the line begins at moment number `begins`.
    """

    metric: str
    values: list[float]
    compared: list[float]
    begins: int = 0

    @property
    def label(self) -> str:
        return metric_label(self.metric).text


class Chart(NamedTuple):
    moments: list[Moment]
    lines: list[Line]
    compared_moments: list[Moment]
    unfinished: bool  # the last moment is not over
    interval: str


def chart_of(
    answer: Answer,
    compared: Answer | None,
    *,
    interval: str,
    period: ChosenPeriod,
    compared_period: ChosenPeriod | None,
    now: datetime,
    begins: date,
    filtered: bool = False,
) -> Chart:
    """Makes the lines of a report by the interval's dimension. `begins` is the first day that has data; `filtered`:
    the report leaves some of them out, so that it does not say at which hour they begin.
    """
    moments = INTERVALS[interval].moments(period, now)
    values = _by_moment(answer)
    first = min(values, default=NEVER) if begins >= period.first and not filtered else _first_key(interval, begins, now)
    start = next((number for number, moment in enumerate(moments) if moment.key >= first), len(moments))
    earlier = INTERVALS[interval].moments(compared_period, now)[: len(moments)] if compared and compared_period else []
    before = _by_moment(compared) if compared else {}
    lines = [
        Line(
            header.name,
            [values[moment.key][number] if moment.key in values else 0.0 for moment in moments[start:]],
            [before[moment.key][number] if moment.key in before else 0.0 for moment in earlier],
            start,
        )
        for number, header in enumerate(answer.metrics)
    ]
    return Chart(moments, lines, earlier, period.last == now.date(), interval)


def _first_key(interval: str, begins: date, now: datetime) -> str:
    """Returns the key of the first moment that has a part of the day on which the data begin."""
    midnight = datetime.combine(begins, time.max, now.tzinfo)
    return next((moment.key for moment in INTERVALS[interval].moments(ChosenPeriod(begins, begins), midnight)), NEVER)


def _by_moment(answer: Answer) -> dict[str, Sequence[float]]:
    return {row.dimensions[0]: row.metrics for row in answer.rows}


def table_of(chart: Chart) -> list[tuple[str, list[str]]]:
    """Returns the chart as a table, the latest moment first: moment, values of the lines in words."""
    rows = [
        (moment.text, [format_value(line.metric, line.values[number - line.begins]) for line in chart.lines])
        for number, moment in enumerate(chart.moments)
        if chart.lines and number >= chart.lines[0].begins
    ]
    return rows[::-1]


def svg_of(chart: Chart, drawn: Sequence[Annotation] = ()) -> dict[str, Any]:
    """Returns what the template draws, in coordinates from 0 to SCALE; y grows downwards. Annotations stand at the
    moment that they are in.
    """
    count = len(chart.moments)
    tops = [_top(line) for line in chart.lines]
    return {
        "lines": [_drawn(line, top, count, chart.unfinished) for line, top in zip(chart.lines, tops, strict=True)],
        "grid": [
            {"y": f"{100 * number / GRID_LINES:g}%", "label": _label(chart.lines, tops, 1 - number / GRID_LINES)}
            for number in range(GRID_LINES + 1)
        ],
        "ticks": _ticks(chart.moments),
        "marks": [_percent(_place(chart.moments, each.x), len(chart.moments)) for each in drawn],
    }


def _place(moments: Sequence[Moment], x: str) -> int:
    """The number of the last moment that is not after `x`."""
    return max(bisect_right([moment.x for moment in moments], x) - 1, 0)


def _percent(number: int, count: int) -> str:
    return f"{100 * number / (count - 1):.2f}%" if count > 1 else "50%"


def _drawn(line: Line, top: float, count: int, unfinished: bool) -> dict[str, Any]:
    points = [_point(line.begins + number, value, top, count) for number, value in enumerate(line.values)]
    earlier = [_point(number, value, top, count) for number, value in enumerate(line.compared)]
    whole = points[:-1] if unfinished and len(points) > 1 else points
    return {
        "points": " ".join(whole),
        "last": " ".join(points[-2:]) if unfinished else "",
        "compared": " ".join(earlier),
        "single": f"{points[0]} {points[0]}" if len(points) == 1 else "",  # a line of no length: its ends are round
    }


def _point(number: int, value: float, top: float, count: int) -> str:
    x = SCALE * number / (count - 1) if count > 1 else SCALE / 2
    return f"{x:.1f},{SCALE * (1 - value / top):.1f}"


def _top(line: Line) -> float:
    """A round number at or above all values: 0.254 -> 0.4, 37 -> 40, 1,234 -> 2,000."""
    largest = max([*line.values, *line.compared], default=0)
    if largest <= 0:
        return GRID_LINES
    rough = largest / GRID_LINES
    power = 10.0 ** floor(log10(rough))
    step = next(step for step in STEPS if step * power >= rough * (1 - 1e-9)) * power
    whole = metric_label(line.metric).is_count
    return GRID_LINES * (max(1, ceil(step)) if whole else step)


def _label(lines: Sequence[Line], tops: Sequence[float], share: float) -> str:
    return compact(lines[0].metric, tops[0] * share) if lines else ""


def _ticks(moments: Sequence[Moment]) -> list[dict[str, str]]:
    """A few moments along the axis, at equal distances."""
    every = ceil(len(moments) / MOST_LABELS) or 1
    last = len(moments) - 1
    return [
        {
            "x": _percent(number, len(moments)),
            "text": moments[number].short,
            "anchor": "start" if number == 0 and last else "end" if number == last and last else "middle",
        }
        for number in range(0, len(moments), every)
    ]


def figure_of(chart: Chart) -> dict[str, Any]:
    """Returns the figure for plotly. The second line has an axis of its own, on the right."""
    traces: list[dict[str, Any]] = []
    layout = _layout(chart)
    for number, (line, colour) in enumerate(zip(chart.lines, COLOURS, strict=False)):
        axis = {"yaxis": "y2"} if number else {}
        x = [moment.x for moment in chart.moments[line.begins :]]
        shown = {"type": "scatter", "name": line.label, "cliponaxis": False, **axis}
        if line.compared:
            compared = [moment.text for moment in chart.compared_moments]
            dashed = {"mode": "lines", "line": {"width": 1.5, "dash": "dash", "color": colour}, "opacity": 0.55}
            at = [moment.x for moment in chart.moments[: len(line.compared)]]
            hover = f"%{{text}}: {_hover(line.metric)}<extra></extra>"
            traces.append({**shown, **dashed, "x": at, "y": line.compared, "text": compared, "hovertemplate": hover})
        hover = f"{_hover(line.metric)}<extra>{line.label}</extra>"
        solid = {"mode": "lines", "line": {"width": 2.5, "color": colour}, "hovertemplate": hover}
        point = {"mode": "markers", "marker": {"size": 8, "color": colour}, "hovertemplate": hover}
        whole = len(x) - 1 if x and (chart.unfinished or len(x) == 1) else len(x)
        traces.append({**shown, **solid, "x": x[:whole], "y": line.values[:whole]})
        if whole < len(x):
            traces.append({**shown, **point, "x": x[whole:], "y": line.values[whole:]})
            if whole:
                layout["shapes"].append(_dotted(x, line.values, colour, "y2" if number else "y"))
        layout[f"yaxis{2 if number else ''}"]["range"] = [0, _top(line)]
        if not number:
            layout["yaxis"] |= _scale(chart.lines, [_top(each) for each in chart.lines])
    return {"data": traces, "layout": layout}


def _scale(lines: Sequence[Line], tops: Sequence[float]) -> dict[str, Any]:
    """The lines of the grid, with their values above them, as in the SVG."""
    shares = [number / GRID_LINES for number in range(GRID_LINES + 1)]
    return {
        "showgrid": True,
        "gridcolor": "--line",
        "showticklabels": True,
        "ticklabelposition": "inside top",
        "tickfont": {"color": "--quiet"},  # inside, plotly would choose one for a light page
        "tickvals": [tops[0] * share for share in shares],
        "ticktext": [_label(lines, tops, share) for share in shares],
    }


def _hover(metric: str) -> str:
    return "%{y:.1%}" if metric_label(metric).is_share else "%{y:,.0f} s" if metric_label(metric).is_time else "%{y:,}"


def _dotted(x: Sequence[str], y: Sequence[float], colour: str, axis: str) -> dict[str, Any]:
    (x0, x1), (y0, y1) = x[-2:], y[-2:]
    line = {"width": 2, "dash": "dot", "color": colour}
    return {"type": "line", "yref": axis, "x0": x0, "x1": x1, "y0": y0, "y1": y1, "line": line}


def _layout(chart: Chart) -> dict[str, Any]:
    axis = {"rangemode": "tozero", "fixedrange": True, "zeroline": False, "showgrid": False, "showticklabels": False}
    x = [moment.x for moment in chart.moments]
    ticks = _ticks(chart.moments)
    every = ceil(len(x) / MOST_LABELS) or 1
    return {
        "margin": {"l": 0, "r": 0, "t": 8, "b": 28},
        "hovermode": "x unified",
        "dragmode": "select",
        "selectdirection": "h",
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
            "tickvals": x[::every],
            "ticktext": [tick["text"] for tick in ticks],
            **({"range": [x[0], x[-1]]} if len(x) > 1 else {}),
        },
        "yaxis": axis,
        "yaxis2": {**axis, "overlaying": "y", "side": "right"},
        "font": {"size": 12, "family": "system-ui, sans-serif", "color": "--quiet"},
    }
