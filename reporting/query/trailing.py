"""Counts rows of a date range, and for measures that look back, those of the days before it.

A visitor who was active on the 3rd and the 5th counts for the 7 days that end with the 3rd, the 4th … the 11th: on the
3rd and 4th because of the 3rd, from the 5th to the 11th because of the 5th. So each active day stands for a span of
dates, up to the visitor's next active day; the numbers of a date are where spans begin less where they have ended.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from processing.sessions.local_periods import day_number
from reporting.model.date_ranges import Days
from reporting.model.report import ReportError
from reporting.query.aggregate import CODE, count
from reporting.query.counted_rows import is_within, key_names, zero_row
from reporting.query.fields import Fields
from reporting.registry.measures import Trailing

DATE: Final = "date"  # the name of the dimension whose rows have windows of their own


def count_with_days_before(
    fields: Fields, coded: pl.DataFrame, keys: Sequence[str], days: Days, most_rows: int
) -> pl.DataFrame:
    """Returns what `aggregate.count` does. A row may be due to the days before alone; its CODE is that of its keys, or
    one of its own if no coded row has them. Raises ReportError before it makes more than `most_rows` rows.
    """
    looking_back = [measure for measure in fields.measures if isinstance(measure, Trailing)]
    if not looking_back:
        return count(coded, keys, fields.measures)
    usual = [measure for measure in fields.measures if not isinstance(measure, Trailing)]
    table = count(coded.filter(is_within(days)), keys, usual)
    if not keys:
        return _total(fields, table, [_at_end(coded, [], measure, days) for measure in looking_back])
    names = dict(zip(key_names(fields), fields.dimensions, strict=True))
    date = next((key for key, dimension in names.items() if dimension.name == DATE), None)
    # With the date, what else is known of the day follows from it: the month of a row is that of its date.
    of_day = {key: each for key, each in names.items() if date and key != date and each.columns == ("day",)}
    others = [key for key in keys if key != date and key not in of_day]
    for measure in looking_back:
        if date is None:
            counts = _at_end(coded, others, measure, days)
        else:
            counts = _by_date(coded, others, date, measure, days, most_rows).with_columns(pl.col(date).alias("day"))
            # Their keys depend on no zone, since they are made of local days.
            counts = counts.with_columns(each.key("UTC").alias(key) for key, each in of_day.items())
        table = table.join(counts.select(*keys, measure.name), on=keys, how="full", coalesce=True)
    zeros = table.with_columns(pl.exclude(CODE, *keys).fill_null(0))
    return _with_codes(zeros, coded, keys)


def _total(fields: Fields, table: pl.DataFrame, counts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    names = [name for each in counts for name in each.columns]
    row = table if table.height else zero_row(fields).drop(names)
    return row.hstack([each.to_series() for each in counts])


def _at_end(coded: pl.DataFrame, keys: Sequence[str], measure: Trailing, days: Days) -> pl.DataFrame:
    """Counts over the days that end with the last day of the date range: the keys and the measure."""
    last = day_number(days.last)
    found = coded.filter(measure.where & (pl.col("day") > last - measure.days) & (pl.col("day") <= last))
    number = pl.col(measure.identity).n_unique().cast(pl.Int64).alias(measure.name)
    return found.group_by(keys).agg(number) if keys else found.select(number)


def _by_date(
    coded: pl.DataFrame, others: Sequence[str], date: str, measure: Trailing, days: Days, most_rows: int
) -> pl.DataFrame:
    """Counts for each date of the date range: other keys, `date` (days since 1970), the measure; no 0."""
    one = [*others, measure.identity]
    seen = coded.filter(measure.where).select(*one, "day").unique().sort(*one, "day")
    is_same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(-1)) for name in one)
    follows = pl.when(is_same).then(pl.col("day").shift(-1))
    end = pl.min_horizontal(pl.col("day") + measure.days, follows, day_number(days.last) + 1)
    begin = pl.max_horizontal("day", day_number(days.first))
    spans = seen.select(*others, begin.alias("begin"), end.alias("end")).filter(pl.col("begin") < pl.col("end"))
    steps = pl.concat(
        spans.select(*others, pl.col(place).alias("from"), pl.lit(change, dtype=pl.Int64).alias("change"))
        for place, change in (("begin", 1), ("end", -1))
    )
    changes = steps.group_by(*others, "from").agg(pl.col("change").sum()).sort(*others, "from")
    number = pl.col("change").cum_sum()
    until = pl.col("from").shift(-1)
    running = changes.with_columns(
        (number.over(others) if others else number).alias(measure.name),
        (until.over(others) if others else until).alias("until"),
    ).filter(pl.col(measure.name) > 0)  # after its last change a group has nobody
    if running.select((pl.col("until") - pl.col("from")).cast(pl.Int64).sum()).item() > most_rows:
        raise ReportError(
            f"The report has more than {most_rows:,} rows: whoever was active counts on {measure.days} days. Ask for"
            " fewer dimensions or days, or filter them."
        )
    dates = running.with_columns(pl.int_ranges("from", "until", dtype=pl.Int32).alias(date)).explode(date)
    return dates.select(*others, date, measure.name)


def _with_codes(table: pl.DataFrame, coded: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    codes = coded.group_by(CODE).agg(pl.col(keys).first())
    found = table.drop(CODE).join(codes, on=keys, how="left", maintain_order="left")
    largest = codes[CODE].max()
    unused = pl.int_range(pl.len()).cast(pl.UInt32) + (largest + 1 if isinstance(largest, int) else 0)
    return found.with_columns(pl.coalesce(CODE, unused.cast(codes.schema[CODE])).alias(CODE)).select(
        CODE, pl.exclude(CODE)
    )
