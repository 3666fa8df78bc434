"""The forms that rows take on the way from loaded rows to metrics by dimensions, and their columns.

loaded    path, visitor, day …                          one per event, or per condensed row
coded     … "key 0", CODE                               the same, with a key per dimension and the code of all keys
counted   CODE, "key 0", sessions, events …             one per code, with its measures and sums
report    CODE, "dimension 0", "metric sessions" …      the same as texts and metrics
stacked   … RANGE, RANGE_NAME                           those of all date ranges, one below the other
"""

from collections.abc import Iterable
from typing import Final

import polars as pl

from processing.interruption import checkpoint
from processing.sessions.local_periods import day_number
from reporting.model.date_ranges import Days
from reporting.query.aggregate import CODE, with_code, with_wholes
from reporting.query.fields import Fields
from reporting.query.filters import combine, numeric, row_filter
from reporting.query.load import LoadedRows

KEY: Final = "key "
DIMENSION: Final = "dimension "
METRIC: Final = "metric "
RANGE: Final = "range"  # the number of the date range
RANGE_NAME: Final = "range name"
_ONE_CODE: Final = 0


def key_names(fields: Fields) -> list[str]:
    return [f"{KEY}{n}" for n in range(len(fields.dimensions))]


def coded_rows(fields: Fields, loaded: LoadedRows) -> list[pl.DataFrame]:
    """Keeps the rows that the report counts, of each date range, and adds the keys of its dimensions and CODE.

    Rows of days before the date range are among them if a measure looks back: see trailing.py.
    """
    frames = loaded.frames(fields)
    accepted = row_filter(fields.dimension_filter, frames, fields.filter_dimensions, loaded.zone)
    ranges = list[pl.DataFrame]()
    for days in fields.days:
        checkpoint()
        rows = loaded.of(fields, days)
        kept = rows if accepted is None else rows.filter(accepted)
        inside = is_within(days) if fields.days_before else None
        ranges.append(with_keys(fields, with_wholes(kept, fields.measures, inside), loaded.zone))
    return ranges


def is_within(days: Days) -> pl.Expr:
    return pl.col("day").is_between(day_number(days.first), day_number(days.last))


def with_keys(fields: Fields, rows: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Adds the keys of the report's dimensions, and CODE."""
    names = key_names(fields)
    keys = [dimension.key(zone).alias(name) for name, dimension in zip(names, fields.dimensions, strict=True)]
    return with_code(rows.with_columns(keys), names)


def with_one_code(coded: pl.DataFrame) -> pl.DataFrame:
    """Gives all rows the same code: they count as one, for the totals."""
    return coded.with_columns(pl.lit(_ONE_CODE, dtype=pl.UInt64).alias(CODE))


def zero_row(fields: Fields) -> pl.DataFrame:
    """Returns what counting without keys gives if there are no rows to count: one counted row of zeros."""
    zeros = [pl.lit(0, dtype=pl.Int64).alias(measure.name) for measure in fields.measures]
    return pl.DataFrame({CODE: [_ONE_CODE]}, schema={CODE: pl.UInt64}).with_columns(zeros)


def report_rows(fields: Fields, counted: pl.DataFrame) -> pl.DataFrame:
    """Writes keys as texts, and makes metrics of measures. Rows without keys, such as totals, have no texts."""
    has_keys = f"{KEY}0" in counted.columns
    texts = [
        dimension.text(pl.col(f"{KEY}{n}")).alias(f"{DIMENSION}{n}")
        for n, dimension in enumerate(fields.dimensions)
        if has_keys
    ]
    return counted.select(CODE, *texts, *metric_columns(fields))


def metric_columns(fields: Fields) -> list[pl.Expr]:
    """Makes metrics of the columns of measures."""
    return [
        metric.value.cast(pl.Int64 if metric.type == "INTEGER" else pl.Float64).alias(METRIC + metric.name)
        for metric in fields.all_metrics
    ]


def filter_by_metrics(fields: Fields, report: pl.DataFrame) -> pl.DataFrame:
    """Keeps the report rows that the metric filter accepts."""
    tree = fields.metric_filter
    if tree is None:
        return report
    return report.filter(combine(tree, lambda condition: numeric(condition, pl.col(METRIC + condition.field))))


def stack_ranges(fields: Fields, tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Puts the report rows of the date ranges one below the other. Adds RANGE and RANGE_NAME."""
    return pl.concat(
        table.with_columns(pl.lit(number).alias(RANGE), pl.lit(days.name).alias(RANGE_NAME))
        for number, (days, table) in enumerate(zip(fields.days, tables, strict=True))
    )
