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
    changed = [pl.col(name).ne_missing(pl.col(name).shift()) for name in ("session", "value")]
    stop = pl.any_horizontal(pl.int_range(pl.len()) == 0, *changed).cum_sum().alias("stop")
    grouped = (
        events.lazy()
        .group_by(stop, maintain_order=True)
        .agg(pl.col("session", "value").first(), pl.col("is_point").any())
    )
    return grouped.drop("stop").collect()


def _paths(plan: PathPlan, stops: pl.DataFrame) -> pl.DataFrame:
    """Returns a row for each session with the point: its value at each step, as text."""
    nothing = BEGINNING if plan.report.direction == "backward" else END
    same_session = pl.col("session")
    steps = [
        pl.when(same_session.shift(-number) == same_session)
        .then(pl.col("value").cast(pl.String).shift(-number))
        .otherwise(pl.lit(nothing))
        .alias(f"step {number}")
        for number in range(plan.report.steps)
    ]
    with_steps = stops.lazy().with_columns(steps).filter("is_point")
    return with_steps.unique("session", keep="first", maintain_order=True).select(pl.col("^step .*$")).collect()


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
