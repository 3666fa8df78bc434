"""Runs reports: exact, and with the same answer for the same events in any order."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import polars as pl

from reporting.kinds.table.assemble import DIMENSION, METRIC, RANGE, RANGE_NAME, ReportPage, assemble, page_of
from reporting.kinds.table.plan import TablePlan
from reporting.model.date_ranges import Days
from reporting.model.report import Answer
from reporting.query.aggregate import CODE, measure, nonzero_flags, with_code
from reporting.query.filters import combine, filter_rows, numeric
from reporting.query.load import LoadedRows
from reporting.registry.metrics import Metric

_ONE_ROW: Final = 0


def run_table(asked: TablePlan, loaded: LoadedRows) -> Answer:
    """Answers one report from the rows that were loaded for it."""
    coded = [coded_rows(asked, loaded.of(asked, days), loaded.zone) for days in asked.days]
    if asked.can_page_first:
        rows = _labelled(asked, map(partial(_signs, asked), coded))
        totals = _labelled(asked, map(partial(_totals, asked), coded))
        page = _counted(asked, coded, page_of(asked, rows))
    else:
        tables = [_range_table(asked, each) for each in coded]
        rows, totals = (_labelled(asked, each) for each in zip(*tables, strict=True))
        page = page_of(asked, rows)
    return assemble(asked, page, rows, totals, loaded.zone, loaded.currency)


def _counted(asked: TablePlan, coded: Sequence[pl.DataFrame], page: ReportPage) -> ReportPage:
    """The page, of which only sums and signs are known, with everything counted."""
    of_ranges = [page.rows.filter(pl.col(RANGE) == number) for number in range(len(coded))]
    few = [rows.filter(pl.col(CODE).is_in(there[CODE].implode())) for rows, there in zip(coded, of_ranges, strict=True)]
    counted = _labelled(asked, [_measured(asked, rows) for rows in few])
    place = [RANGE, CODE]
    return ReportPage(
        page.rows.select(place).join(counted, on=place, how="left", maintain_order="left"), page.row_count
    )


def _range_table(asked: TablePlan, coded: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of one date range, and its totals (one row)."""
    everything = _totals(asked, coded)
    counted = _measured(asked, coded) if asked.dimensions else everything
    rows = having(asked, counted)
    few = rows.height < counted.height
    return rows, _totals(asked, coded.join(rows, on=CODE, how="semi")) if few else everything


def _measured(asked: TablePlan, coded: pl.DataFrame) -> pl.DataFrame:
    return named(asked, measure(coded, key_names(asked), asked.measures, asked.sums))


def _signs(asked: TablePlan, coded: pl.DataFrame) -> pl.DataFrame:
    return named(asked, nonzero_flags(coded, key_names(asked), asked.measures, asked.sums))


def _labelled(asked: TablePlan, tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(
        labelled(days, number, each) for number, (days, each) in enumerate(zip(asked.days, tables, strict=True))
    )


def labelled(days: Days, number: int, table: pl.DataFrame) -> pl.DataFrame:
    """With the date range beside each row."""
    return table.with_columns(pl.lit(number).alias(RANGE), pl.lit(days.name).alias(RANGE_NAME))


def key_names(asked: TablePlan) -> list[str]:
    return [f"key {n}" for n in range(len(asked.dimensions))]


def coded_rows(asked: TablePlan, events: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The rows that the report counts, with a key for each of its dimensions, and CODE."""
    keys = [each.key(zone).alias(name) for name, each in zip(key_names(asked), asked.dimensions, strict=True)]
    kept = filter_rows(events, asked.report.dimension_filter, asked.filter_dimensions, zone)
    return with_code(kept.with_columns(keys), key_names(asked))


def as_one_row(coded: pl.DataFrame) -> pl.DataFrame:
    """The same CODE for all of them."""
    return coded.with_columns(pl.lit(_ONE_ROW, dtype=pl.UInt64).alias(CODE))


def having(asked: TablePlan, table: pl.DataFrame) -> pl.DataFrame:
    tree = asked.report.metric_filter
    if tree is None:
        return table
    return table.filter(combine(tree, lambda leaf: numeric(leaf, pl.col(METRIC + leaf.field))))


def _totals(asked: TablePlan, coded: pl.DataFrame) -> pl.DataFrame:
    """One row: the metrics over all events, not sums of the rows, since a visitor may be in several."""
    if not asked.needs_totals:
        return named(asked, nothing(asked)).clear()
    table = measure(as_one_row(coded), [], asked.measures, asked.sums)
    return named(asked, table if table.height else nothing(asked))


def nothing(asked: TablePlan) -> pl.DataFrame:
    names = [*asked.measures, *(each.name for each in asked.sums)]
    zeros = [pl.lit(0, dtype=pl.Int64).alias(name) for name in names]
    return pl.DataFrame({CODE: [_ONE_ROW]}, schema={CODE: pl.UInt64}).with_columns(zeros)


def named(asked: TablePlan, table: pl.DataFrame) -> pl.DataFrame:
    """CODE, the dimensions as text, the metrics by name."""
    keyed = "key 0" in table.columns
    texts = [each.text(pl.col(f"key {n}")).alias(f"{DIMENSION}{n}") for n, each in enumerate(asked.dimensions) if keyed]
    return table.select(CODE, *texts, *(_value(metric).alias(METRIC + metric.name) for metric in asked.all_metrics))


def _value(metric: Metric) -> pl.Expr:
    return metric.value.cast(pl.Int64 if metric.type == "INTEGER" else pl.Float64)
