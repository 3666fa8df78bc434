"""The request and the answer of a path report, as frozen values."""

from typing import Final, Literal

import msgspec
import polars as pl

from reporting.model.report import DateRange, Filter, ReportError

MOST_STEPS: Final = 10
LARGEST_LIMIT: Final = 100


class PathReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ways that sessions take through the values of a dimension, such as pages.

    `events`: the events that count, all without it. `point`: where the paths begin, or end if the direction is
    backward: at the session's first, or last, event that the filter accepts; without it at the session's first, or
    last, event. `limit`: how many values each step shows.
    """

    date_range: DateRange
    dimension: str = "pagePath"
    events: Filter | None = None
    point: Filter | None = None
    direction: Literal["forward", "backward"] = "forward"
    steps: int = 5
    limit: int = 5


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: str
    sessions: int


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sessions that have `source` at a step and `target` at the step behind it."""

    source: str
    target: str
    sessions: int


class PathStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`links` lead to the next step; the last step has none."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


class PathAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sessions` have the point; they are the sum of the nodes of each step."""

    sessions: int
    steps: tuple[PathStep, ...]
    zone: str


def check_paths(report: PathReport) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found."""
    if not 2 <= report.steps <= MOST_STEPS:
        raise ReportError(f"The report has {report.steps} steps; it must have 2 to {MOST_STEPS}.")
    if not 1 <= report.limit <= LARGEST_LIMIT:
        raise ReportError(f"The limit is {report.limit}; it must be between 1 and {LARGEST_LIMIT}.")


def tabulate_paths(answer: PathAnswer) -> pl.DataFrame:
    """Returns a row for each link, with the number of the step that it leaves, from 1."""
    rows = [
        {"step": number, **msgspec.structs.asdict(link)}
        for number, step in enumerate(answer.steps, 1)
        for link in step.links
    ]
    types = {"step": pl.Int64(), "source": pl.String(), "target": pl.String(), "sessions": pl.Int64()}
    return pl.DataFrame(rows, schema=types)
