"""The request and the answer of a retention report, as frozen values."""

from datetime import date
from typing import Final, Literal

import msgspec
import polars as pl

from reporting.model.report import DateRange, ReportError

Granularity = Literal["day", "week", "month"]
MOST_PERIODS: Final = 100


class RetentionReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many of the visitors who came first in a period come again in later ones.

    The cohorts are those of the date range. `periods`: how many are counted, the first one included.
    """

    date_range: DateRange
    granularity: Granularity = "week"
    periods: int = 12


class Cohort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`start` is the first day of the period. `returned` has the visitors of the cohort with an event in this period,
    which are all, in the next, and so on, as far as periods have begun; `rates` are their shares of `visitors`.
    """

    start: date
    visitors: int
    returned: tuple[int, ...]
    rates: tuple[float, ...]


class RetentionAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rates` are over all cohorts for which a period has begun."""

    cohorts: tuple[Cohort, ...]
    rates: tuple[float, ...]
    zone: str


def check_retention(report: RetentionReport) -> None:
    """Raises ReportError for mistakes that need no data."""
    if not 1 <= report.periods <= MOST_PERIODS:
        raise ReportError(f"The report has {report.periods} periods; it must have 1 to {MOST_PERIODS}.")


def tabulate_retention(answer: RetentionAnswer) -> pl.DataFrame:
    """Returns a row for each cohort and period; the cohort's own period is 0."""
    rows = [
        (cohort.start, cohort.visitors, period, returned, rate)
        for cohort in answer.cohorts
        for period, (returned, rate) in enumerate(zip(cohort.returned, cohort.rates, strict=True))
    ]
    types = {"start": pl.Date(), **dict.fromkeys(("visitors", "period", "returned"), pl.Int64()), "rate": pl.Float64()}
    return pl.DataFrame(rows, schema=types, orient="row")
