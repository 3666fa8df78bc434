"""The request and the answer of a funnel, as frozen values."""

from datetime import date
from typing import Final

import msgspec
import polars as pl

from reporting.model.report import DateRange, Filter, ReportError

MOST_STEPS: Final = 10
LARGEST_LIMIT: Final = 1_000
LONGEST_WAIT_S: Final = 366 * 86_400
MOST_TREND_DAYS: Final = 1_000


class FunnelStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event that the filter accepts reaches the step, if it comes after one that reached the step before.

    `directly`: no event of the visitor lies between the two. `within_seconds`: the longest time between the two.
    """

    name: str
    filter: Filter
    directly: bool = False
    within_seconds: int | None = None


class FunnelReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many visitors reach each step on the days of the range.

    `open`: a visitor may begin with any step. `breakdown` names a dimension; a visitor counts under its value at the
    event that reached the first step. `next_action` names the dimension by which the events after a step are told.
    `limit`: how many values of either are listed. `trend`: each day is counted by itself as well; a visitor counts on
    the day of the event that reached the first step.
    """

    date_range: DateRange
    steps: tuple[FunnelStep, ...]
    open: bool = False
    trend: bool = False
    breakdown: str = ""
    next_action: str = ""
    limit: int = 10


class StepCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`continued` of `visitors` reached the next step as well, and the others did not: `visitors` - `continued`.

    `seconds` is the average time from the step before to this one, over the visitors who came from it.
    """

    step: str
    visitors: int
    continued: int
    completion_rate: float
    abandoned: int
    seconds: float


class Breakdown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: str
    steps: tuple[StepCount, ...]


class FunnelDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The visitors who entered on this local day, and how far they came, on whatever day."""

    day: date
    steps: tuple[StepCount, ...]


class NextAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Visitors whose first event after they first reached the step has this value; those of all values of a step are
    all who reached it.
    """

    step: str
    value: str
    visitors: int


class FunnelAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    steps: tuple[StepCount, ...]
    breakdown: tuple[Breakdown, ...]
    next_actions: tuple[NextAction, ...]
    trend: tuple[FunnelDay, ...]
    zone: str


def check_funnel(report: FunnelReport) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found."""
    if not 2 <= len(report.steps) <= MOST_STEPS:
        raise ReportError(f"The funnel has {len(report.steps)} steps; give it 2 to {MOST_STEPS}.")
    names = [step.name for step in report.steps]
    if "" in names or len(set(names)) < len(names):
        raise ReportError("Give each step of the funnel a name of its own.")
    if not 1 <= report.limit <= LARGEST_LIMIT:
        raise ReportError(f"The limit is {report.limit}; it must be between 1 and {LARGEST_LIMIT}.")
    first = report.steps[0]
    if first.directly or first.within_seconds is not None:
        raise ReportError("The first step follows no other; give it neither directly nor within_seconds.")
    for step in report.steps:
        if step.within_seconds is not None and not 1 <= step.within_seconds <= LONGEST_WAIT_S:
            raise ReportError(
                f"The step {step.name[:100]!r} has within_seconds {step.within_seconds}; it must be between 1 and"
                f" {LONGEST_WAIT_S}."
            )


def tabulate_funnel(answer: FunnelAnswer) -> pl.DataFrame:
    """Returns a row for each step of all visitors together, whose `breakdown` and `day` are null, of each value, and of
    each day of the trend.
    """
    parts: list[tuple[str | None, date | None, tuple[StepCount, ...]]] = [(None, None, answer.steps)]
    parts += [(each.value, None, each.steps) for each in answer.breakdown]
    parts += [(None, each.day, each.steps) for each in answer.trend]
    rows = [
        {"breakdown": value, "day": day, **msgspec.structs.asdict(step)}
        for value, day, steps in parts
        for step in steps
    ]
    counts = dict.fromkeys(("visitors", "continued", "abandoned"), pl.Int64())
    rates = dict.fromkeys(("completion_rate", "seconds"), pl.Float64())
    names = {"breakdown": pl.String(), "day": pl.Date(), "step": pl.String()}
    return pl.DataFrame(rows, schema={**names, **counts, **rates})
