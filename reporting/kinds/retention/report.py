"""The request and the answer of a retention report, as frozen values."""

from collections.abc import Sequence
from datetime import date
from typing import Final, Literal

import msgspec
import polars as pl

from reporting.model.report import DateRange, ReportError

Granularity = Literal["day", "week", "month"]
MOST_PERIODS: Final = 100
LARGEST_LIMIT: Final = 1_000


class RetentionReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many of the visitors who came first in a period come again in later ones.

    The cohorts are those of the date range. `periods`: how many are counted, the first one included. `breakdown` names
    a dimension of the first visit; `limit`: how many of its values are listed.
    """

    date_range: DateRange
    granularity: Granularity = "week"
    periods: int = 12
    breakdown: str = ""
    limit: int = 10


class Cohort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`start` is the first day of the period. `returned` has the visitors of the cohort with an event in this period,
    which are all, in the next, and so on, as far as periods have begun; `rates` are their shares of `visitors`. On a
    segment of sessions or events, `visitors` are those with an event of it in any of the periods.
    """

    start: date
    visitors: int
    returned: tuple[int, ...]
    rates: tuple[float, ...]


class CohortsOfValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    value: str
    cohorts: tuple[Cohort, ...]
    rates: tuple[float, ...]


class RetentionAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rates` are over all cohorts for which a period has begun."""

    cohorts: tuple[Cohort, ...]
    rates: tuple[float, ...]
    breakdown: tuple[CohortsOfValue, ...]
    zone: str


def check_retention(report: RetentionReport) -> None:
    """Raises ReportError for mistakes that need no data."""
    if not 1 <= report.periods <= MOST_PERIODS:
        raise ReportError(f"The report has {report.periods} periods; it must have 1 to {MOST_PERIODS}.")
    if not 1 <= report.limit <= LARGEST_LIMIT:
        raise ReportError(f"The limit is {report.limit}; it must be between 1 and {LARGEST_LIMIT}.")


def tabulate_retention(answer: RetentionAnswer) -> pl.DataFrame:
    """Returns a row for each cohort and period, of all visitors, whose `breakdown` is null, and of each value; the
    cohort's own period is 0.
    """
    parts: list[tuple[str | None, Sequence[Cohort]]] = [(None, answer.cohorts)]
    parts += [(each.value, each.cohorts) for each in answer.breakdown]
    rows = [
        (value, cohort.start, cohort.visitors, period, returned, rate)
        for value, cohorts in parts
        for cohort in cohorts
        for period, (returned, rate) in enumerate(zip(cohort.returned, cohort.rates, strict=True))
    ]
    counts = dict.fromkeys(("visitors", "period", "returned"), pl.Int64())
    types = {"breakdown": pl.String(), "start": pl.Date(), **counts, "rate": pl.Float64()}
    return pl.DataFrame(rows, schema=types, orient="row")
