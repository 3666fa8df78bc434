"""Counts paths. Neighbouring events of a session with the same value are one stop, so that a reload is no step:

    session   value          stops         from the point /b, forward, three steps
    1         /a  /b /b /c   /a  /b  /c    /b   /c     (end)
    2         /b  /a         /b  /a        /b   /a     (end)
    3         /a             /a            - it has no such event

A step shows the values that most sessions have there, and puts the others together.
"""

from itertools import pairwise
from typing import Final

import polars as pl

from reporting.kinds.paths.plan import ORDER, PathPlan
from reporting.kinds.paths.report import Link, Node, PathAnswer, PathStep
from reporting.query.filters import accepted
from reporting.query.load import LoadedRows

END: Final = "(end)"
BEGINNING: Final = "(beginning)"
MORE: Final = "+ more"


def run_paths(plan: PathPlan, loaded: LoadedRows) -> PathAnswer:
    stops = _stops(plan, loaded.of(plan, plan.days[0]), loaded.zone)
    paths = _paths(plan, stops)
    shown = [_shown(values, plan.report.limit) for values in paths.iter_columns()]
    nodes = [_nodes(values) for values in shown]
    links = [*(_links(source, target) for source, target in pairwise(shown)), ()]
    steps = tuple(PathStep(*step) for step in zip(nodes, links, strict=True))
    return PathAnswer(paths.height, steps, loaded.zone)


def _stops(plan: PathPlan, rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Returns the stops of each session, in the direction of the paths: `session`, `value`, `is_point`."""
    dimensions = plan.filter_dimensions
    rows = rows.filter(accepted(rows, plan.report.events, dimensions, zone))
    rows = rows.sort(ORDER, descending=plan.report.direction == "backward")
    events = pl.DataFrame(
        {
            "session": rows["session"],
            "value": plan.dimension.texts_of(rows, zone).cast(pl.Categorical),
            "is_point": accepted(rows, plan.report.point, dimensions, zone),
        }
    )
    starts = events.lazy().select(_is_new("session") | _is_new("value")).collect().to_series().arg_true()
    points = events["is_point"].cast(pl.UInt32).cum_sum().gather(starts) - events["is_point"].gather(starts)
    points_from_here_on = points.shift(-1, fill_value=events["is_point"].sum())
    stops = events[starts]
    return stops.with_columns(is_point=points_from_here_on > points)


def _is_new(column: str) -> pl.Expr:
    return (pl.int_range(pl.len()) == 0) | pl.col(column).ne_missing(pl.col(column).shift())


def _paths(plan: PathPlan, stops: pl.DataFrame) -> pl.DataFrame:
    """Returns a row for each session with the point: its value at each step, as text."""
    nothing = BEGINNING if plan.report.direction == "backward" else END
    points = stops.with_row_index("stop").filter("is_point").unique("session", keep="first", maintain_order=True)
    steps = {}
    for number in range(plan.report.steps):
        places = points["stop"] + number
        in_stops = places < stops.height
        reached = stops.select("session", "value")[places.set(~in_stops, 0)]
        goes_on = in_stops & (reached["session"] == points["session"])
        text = pl.when(pl.lit(goes_on)).then(pl.lit(reached["value"].cast(pl.String))).otherwise(pl.lit(nothing))
        steps[f"step {number}"] = pl.select(text).to_series()
    return pl.DataFrame(steps)


def _shown(values: pl.Series, limit: int) -> pl.Series:
    """Keeps the most frequent values (of equal ones the first by text) and the marks of an end; the others are MORE."""
    ends = [END, BEGINNING]
    counts = values.value_counts(name="sessions").filter(~pl.col(values.name).is_in(ends))
    kept = counts.sort("sessions", values.name, descending=[True, False]).head(limit)[values.name]
    is_shown = values.is_in(kept.implode()) | values.is_in(ends)
    return values.zip_with(is_shown, pl.Series([MORE], dtype=pl.String).new_from_index(0, len(values)))


def _nodes(values: pl.Series) -> tuple[Node, ...]:
    counts = values.value_counts(name="sessions").sort(
        pl.col(values.name).is_in([MORE, END, BEGINNING]), "sessions", values.name, descending=[False, True, False]
    )
    return tuple(Node(*row) for row in counts.iter_rows())


def _links(source: pl.Series, target: pl.Series) -> tuple[Link, ...]:
    pairs = pl.DataFrame({"source": source, "target": target}).group_by("source", "target").len("sessions")
    ordered = pairs.sort("sessions", "source", "target", descending=[True, False, False])
    return tuple(Link(*row) for row in ordered.iter_rows())
