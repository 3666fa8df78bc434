"""The chart, twice: the SVG and the figure draw the values of the report, for any period and comparison."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.dashboard.charts import GRID_LINES, SCALE, Chart, chart_of, figure_of, svg_of, table_of
from reporting.dashboard.intervals import INTERVALS
from reporting.dashboard.number_format import format_value
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.model.report import Answer, MetricHeader, Row

TODAY: Final = date(2026, 11, 20)
NOW: Final = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
LONG_AGO: Final = date(2020, 1, 1)
METRICS: Final = ("sessions", "engagementRate", "averageSessionDuration", "totalUsers")


def answer_of(interval: str, metrics: tuple[str, ...], values: dict[str, tuple[float, ...]]) -> Answer:
    headers = tuple(MetricHeader(name, "FLOAT") for name in metrics)
    rows = tuple(Row((key,), values[key]) for key in sorted(values))
    return Answer((INTERVALS[interval].dimension,), headers, rows, len(rows), (), (), (), "Etc/UTC", "EUR")


def drawn(
    period: ChosenPeriod,
    values: dict[str, tuple[float, ...]],
    metrics: tuple[str, ...] = ("sessions",),
    *,
    compared: ChosenPeriod | None = None,
    before: dict[str, tuple[float, ...]] | None = None,
    begins: date = LONG_AGO,
    interval: str = "day",
    filtered: bool = False,
) -> Chart:
    return chart_of(
        answer_of(interval, metrics, values),
        answer_of(interval, metrics, before or {}) if compared else None,
        interval=interval,
        period=period,
        compared_period=compared,
        now=NOW,
        begins=begins,
        filtered=filtered,
    )


def points(text: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def week(last: date = TODAY) -> ChosenPeriod:
    return ChosenPeriod(last - timedelta(days=6), last)


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """Any period by days or hours, any comparison, days without events, and data that begin anywhere."""
    interval = draw(st.sampled_from(["day", "hour"]))
    longest = 40 if interval == "day" else 3
    last = TODAY - timedelta(days=draw(st.integers(0, 2)))
    period = ChosenPeriod(last - timedelta(days=draw(st.integers(0, longest - 1))), last)
    until = period.first - timedelta(days=draw(st.integers(1, 400)))
    earlier = ChosenPeriod(until - timedelta(days=draw(st.integers(0, longest - 1))), until)
    compared = draw(st.none() | st.just(earlier))
    metrics = tuple(draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=2, unique=True)))
    number = {"engagementRate": st.floats(0, 1), "averageSessionDuration": st.floats(0, 1e6)}
    row = st.tuples(*(number.get(name, st.integers(0, 10**9)) for name in metrics))

    def some(days: ChosenPeriod | None) -> dict[str, tuple[float, ...]]:
        keys = [moment.key for moment in INTERVALS[interval].moments(days, NOW)] if days else []
        return {key: draw(row) for key in keys if draw(st.booleans())}

    begins = draw(st.just(LONG_AGO) | st.dates(period.first - timedelta(days=3), TODAY + timedelta(days=1)))
    filtered = draw(st.booleans())
    values = {key: each for key, each in some(period).items() if key >= f"{begins:%Y%m%d}"}
    return drawn(
        period,
        values,
        metrics,
        compared=compared,
        before=some(compared),
        begins=begins,
        interval=interval,
        filtered=filtered,
    )


def test_it_works() -> None:
    chart = drawn(week(TODAY - timedelta(days=1)), {"20261114": (2,), "20261116": (4,)})
    (line,) = svg_of(chart)["lines"]
    assert points(line["points"])[:4] == [(0, 1000), (166.7, 500), (333.3, 1000), (500, 0)]
    assert [label["label"] for label in svg_of(chart)["grid"]] == ["4", "3", "2", "1", "0"]
    (trace,) = figure_of(chart)["data"]
    assert trace["y"] == [0, 2, 0, 4, 0, 0, 0]
    assert table_of(chart)[-2] == ("Sat 14 Nov 2026", ["2"])


@given(charts())
def test_the_svg_draws_the_values_within_its_bounds(chart: Chart) -> None:
    svg = svg_of(chart)
    count = len(chart.moments)
    for line, shape in zip(chart.lines, svg["lines"], strict=True):
        whole, last = points(shape["points"]), points(shape["last"])
        every = [*whole, *last[-1:]] if chart.unfinished and len(line.values) > 1 else whole
        earlier = points(shape["compared"])
        assert all(0 <= x <= SCALE and 0 <= y <= SCALE for x, y in [*whole, *last, *earlier])
        top = figure_of(chart)["layout"]["yaxis" if line is chart.lines[0] else "yaxis2"]["range"][1]
        assert top >= max([*line.values, *line.compared], default=0)
        for shown, values, begin in ((every, line.values, line.begins), (earlier, line.compared, 0)):
            assert [y for _, y in shown] == pytest.approx([SCALE * (1 - value / top) for value in values], abs=0.06)
            places = [SCALE * number / (count - 1) if count > 1 else SCALE / 2 for number in range(count)]
            assert [x for x, _ in shown] == pytest.approx(places[begin : begin + len(values)], abs=0.06)
        if last:
            assert last[0] == (whole[-1] if len(line.values) > 1 else last[-1])
        assert bool(shape["single"]) == (len(line.values) == 1)


@given(charts())
def test_the_figure_draws_the_same_values(chart: Chart) -> None:
    figure = figure_of(chart)
    for line in chart.lines:
        traces = [trace for trace in figure["data"] if trace["name"] == line.label]
        now = [trace for trace in traces if "text" not in trace]
        x = [moment for trace in now for moment in trace["x"]]
        y = [value for trace in now for value in trace["y"]]
        assert x == [moment.x for moment in chart.moments[line.begins :]]
        assert y == line.values
        compared = [trace for trace in traces if "text" in trace]
        assert [value for trace in compared for value in trace["y"]] == line.compared
        assert all(len(trace["x"]) == len(trace["y"]) == len(trace["text"]) for trace in compared)


@given(charts())
def test_the_table_has_the_same_values(chart: Chart) -> None:
    begins = chart.lines[0].begins
    assert table_of(chart)[::-1] == [
        (moment.text, [format_value(line.metric, line.values[number]) for line in chart.lines])
        for number, moment in enumerate(chart.moments[begins:])
    ]


@given(charts())
def test_the_axis_has_a_few_labels_in_order(chart: Chart) -> None:
    ticks = svg_of(chart)["ticks"]
    places = [float(tick["x"].removesuffix("%")) for tick in ticks]
    assert 1 <= len(ticks) <= 7
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert [tick["text"] for tick in ticks] == figure_of(chart)["layout"]["xaxis"]["ticktext"]
    assert len(svg_of(chart)["grid"]) == GRID_LINES + 1


def test_an_unfinished_moment_is_dotted() -> None:
    chart = drawn(week(), {"20261119": (3,), "20261120": (1,)})
    (line,) = svg_of(chart)["lines"]
    assert len(points(line["points"])) == 6
    assert points(line["last"])[-1][0] == SCALE
    solid, point = figure_of(chart)["data"]
    assert (len(solid["x"]), point["x"], point["y"]) == (6, ["2026-11-20"], [1])
    (dotted,) = figure_of(chart)["layout"]["shapes"]
    assert (dotted["x0"], dotted["x1"], dotted["y0"], dotted["y1"]) == ("2026-11-19", "2026-11-20", 3, 1)


def test_a_single_moment_is_a_point() -> None:
    day = ChosenPeriod(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    (line,) = svg_of(drawn(day, {"20261119": (3,)}))["lines"]
    assert line["single"] == "500.0,250.0 500.0,250.0"
    chart = drawn(week(), {"20261120": (3,)}, begins=TODAY)
    assert svg_of(chart)["lines"][0]["single"] == "1000.0,250.0 1000.0,250.0"


@pytest.mark.parametrize(("length", "shown"), [(3, 3), (7, 7), (30, 7)])
def test_a_comparison_may_be_shorter_or_longer(length: int, shown: int) -> None:
    compared = ChosenPeriod(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days=length - 1))
    before: dict[str, tuple[float, ...]] = {
        f"{compared.first + timedelta(days=number):%Y%m%d}": (number + 1,) for number in range(length)
    }
    (line,) = drawn(week(), {}, compared=compared, before=before).lines
    assert line.compared == list(range(1, shown + 1))


@pytest.mark.parametrize(
    ("begins", "interval", "filtered", "start"),
    [
        (LONG_AGO, "day", False, "20261114"),
        (date(2026, 11, 16), "day", False, "20261116"),
        (date(2026, 11, 16), "day", True, "20261116"),  # the first row that the filter keeps is later
        (date(2026, 11, 16), "hour", False, "2026111607"),
        (date(2026, 11, 16), "hour", True, "2026111600"),
        (date(2026, 11, 16), "week", True, "202647"),
        (date(2026, 11, 21), "day", True, ""),
        (date.max, "day", False, ""),
    ],
)
def test_lines_begin_where_the_data_do(begins: date, interval: str, filtered: bool, start: str) -> None:
    first = {"day": "20261118" if filtered else "20261116", "hour": "2026111607", "week": "202647"}[interval]
    values: dict[str, Any] = {first: (1,)} if begins < TODAY else {}
    chart = drawn(week(), values, begins=begins, interval=interval, filtered=filtered)
    moments = [moment.key for moment in chart.moments[chart.lines[0].begins :]]
    assert (moments[0] if moments else "") == start
    assert sum(chart.lines[0].values) == len(values)


def test_hours_to_come_are_no_moments() -> None:
    chart = drawn(ChosenPeriod(TODAY, TODAY), {}, interval="hour")
    assert chart.moments[-1].x == datetime.combine(TODAY, time(15)).isoformat()
