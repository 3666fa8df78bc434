"""Adds the intervals in which nothing happened to a table by time, if the report keeps empty rows."""

import polars as pl

from processing.schema import HOUR_MS
from processing.sessions.local_periods import bounds, local_days
from reporting.kinds.table.plan import TablePlan
from reporting.model.date_ranges import Days
from reporting.model.report import Leaf
from reporting.query.aggregate import CODE
from reporting.query.counted_rows import DIMENSION, key_names, report_rows, zero_row
from reporting.query.filters import Values, accepted_values, combine


def with_empty_intervals(plan: TablePlan, report: pl.DataFrame, days: Days, zone: str) -> pl.DataFrame:
    """Adds a report row of zeros for each interval of the date range that has none. Its CODE is one of its own.

    A table by `date` over 2 to 4 November, with events on the 3rd, gets rows for 20261102 and 20261104 as well.
    """
    if not plan.fills_intervals:
        return report
    keys = [
        dimension.key(zone).alias(name)
        for name, dimension in zip(key_names(plan.fields), plan.fields.dimensions, strict=True)
    ]
    intervals = _accepted_hours(plan, days, zone).select(keys).unique(maintain_order=True)
    rows = report_rows(plan.fields, intervals.join(zero_row(plan.fields), how="cross"))
    missing = rows.join(report, on=[f"{DIMENSION}{n}" for n in range(len(plan.fields.dimensions))], how="anti")
    codes = pl.int_range(pl.len()) + (report[CODE].max() or 0) + 1
    return pl.concat([report, missing.with_columns(codes.cast(report.schema[CODE]).alias(CODE))])


def _accepted_hours(plan: TablePlan, days: Days, zone: str) -> pl.DataFrame:
    """Returns an instant in each hour of the local days (columns `time`, `day`) that the dimension filter can accept.

    A condition on something else than time, such as a country, may hold at any time: it is unknown (null).
    """
    times = pl.int_range(*bounds(days.first, days.last, zone), HOUR_MS, eager=True)
    hours = pl.DataFrame({"time": times, "day": local_days(times, zone)})
    tree = plan.fields.dimension_filter
    if tree is None:
        return hours

    def accepts(condition: Leaf) -> pl.Expr:
        dimension = plan.fields.filter_dimensions[condition.field]
        if not dimension.is_time:
            return pl.lit(None, dtype=pl.Boolean())
        values = Values([hours], dimension, zone)
        return values.rows(accepted_values(condition, values))

    return hours.filter(combine(tree, accepts).fill_null(value=True))
