"""The request and the answer of a report on changes, as frozen values."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
import polars as pl

from reporting.model.report import (
    DATE_RANGE,
    DateRange,
    DerivedDimension,
    Filter,
    MetricHeader,
    ReportError,
    check_page,
)

LARGEST_LIMIT: Final = 10_000
Status = Literal["new", "gone", "kept"]


class ChangesReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the values of a dimension changed from the days of `before` to those of `after`, by a metric.

    `limit`: how many values are listed, those with the largest differences.
    """

    before: DateRange
    after: DateRange
    dimension: str
    metric: str
    dimension_filter: Filter | None = None
    metric_filter: Filter | None = None  # not part of requests: a change of 0 is no reason to leave a value out
    limit: int = 20

    @property
    def metrics(self) -> Sequence[str]:
        return (self.metric,)

    @property
    def derived(self) -> Sequence[DerivedDimension]:
        return ()

    @property
    def expressions(self) -> Mapping[str, str]:
        return {}

    @property
    def invisible(self) -> frozenset[str]:
        return frozenset()


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`difference` is `after` - `before`; `relative` is its share of `before`, null if that is 0."""

    before: int | float
    after: int | float
    difference: int | float
    relative: float | None


class ChangedValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`status`: "new" values have no event in the period before, and values that are "gone" have none in the other."""

    value: str
    status: Status
    change: Change


class ChangesAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`others` are counted over the events of all values that are not listed. If the metric is a sum, the values and
    the others add up to `total`. `row_count` is the number of all values.
    """

    metric: MetricHeader
    values: tuple[ChangedValue, ...]
    others: Change
    total: Change
    row_count: int
    new: int
    gone: int
    zone: str
    currency: str


def check_changes(report: ChangesReport) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found."""
    check_page(report.limit, 0, LARGEST_LIMIT)
    if report.dimension == DATE_RANGE:
        raise ReportError(f"{DATE_RANGE} does not divide a period; name another dimension.")


def tabulate_changes(answer: ChangesAnswer) -> pl.DataFrame:
    """Returns a row for each value that is listed, then one for the others, whose `value` is null."""
    number = pl.Int64() if answer.metric.type == "INTEGER" else pl.Float64()
    types = {"value": pl.String(), "status": pl.String(), **dict.fromkeys(("before", "after", "difference"), number)}
    rows = [
        (value, status, *msgspec.structs.astuple(change))
        for value, status, change in [
            *((each.value, each.status, each.change) for each in answer.values),
            (None, None, answer.others),
        ]
    ]
    return pl.DataFrame(rows, schema={**types, "relative": pl.Float64()}, orient="row")
