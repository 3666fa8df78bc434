"""Counts a realtime report: like a table, but over ranges of minutes."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from processing.interruption import checkpoint
from reporting.kinds.realtime.plan import MINUTE_MS, RealtimePlan
from reporting.kinds.realtime.report import MinuteRange, RealtimeAnswer, RealtimeOrder, named_ranges
from reporting.model.report import DATE_RANGE, RESERVED_TOTAL, ByMetric, ReportError
from reporting.query.aggregate import CODE, measure
from reporting.query.answer_rows import answer_rows, metric_headers
from reporting.query.counted_rows import (
    DIMENSION,
    METRIC,
    RANGE,
    RANGE_NAME,
    filter_by_metrics,
    key_names,
    report_rows,
    with_keys,
    with_one_code,
    zero_row,
)
from reporting.query.filters import accepted
from reporting.query.load import LoadedRows
from reporting.query.ordering import SortKey, dimension_sort_key, ordered

LABEL: Final = "label"


class Counted(NamedTuple):
    rows: pl.DataFrame
    totals: pl.DataFrame


def run_realtime(plan: RealtimePlan, loaded: LoadedRows) -> RealtimeAnswer:
    rows = loaded.of(plan, plan.days[0])
    minutes_ago = plan.minute - pl.col("time") // MINUTE_MS
    rows = rows.filter(minutes_ago.is_between(0, max(each.start_minutes_ago for each in plan.report.minute_ranges)))
    rows = rows.filter(accepted(rows, plan.fields.dimension_filter, plan.fields.filter_dimensions, loaded.zone))
    counted = [_count(plan, rows.filter(_within(minutes_ago, each)), loaded.zone) for each in plan.report.minute_ranges]
    table, totals = (_stacked(plan, tables) for tables in zip(*counted, strict=True))
    table = table.filter(pl.any_horizontal(pl.col(METRIC + name) != 0 for name in plan.report.metrics))
    if table.height > plan.most_rows:
        raise ReportError(
            f"The report has more than {plan.most_rows:,} rows. Ask for fewer dimensions, or filter them."
        )
    page = ordered(table, _sort_keys(plan)).slice(plan.report.offset, plan.report.limit)
    labels = [RANGE_NAME if name == DATE_RANGE else LABEL for name in plan.headers]
    total = totals.with_columns(pl.lit(RESERVED_TOTAL).alias(LABEL))
    return RealtimeAnswer(
        dimensions=plan.headers,
        metrics=metric_headers(plan.fields),
        rows=answer_rows(plan.fields, page, [_column(plan, name) for name in plan.headers]),
        row_count=table.height,
        totals=answer_rows(plan.fields, total, labels) if "TOTAL" in plan.report.aggregations else (),
        minute=plan.minute * 60,
        zone=loaded.zone,
    )


def _within(minutes_ago: pl.Expr, asked: MinuteRange) -> pl.Expr:
    return minutes_ago.is_between(asked.end_minutes_ago, asked.start_minutes_ago)


def _count(plan: RealtimePlan, rows: pl.DataFrame, zone: str) -> Counted:
    """Returns the report rows of a minute range, and its total (one row) over those that the metric filter accepts."""
    checkpoint()
    coded = with_keys(plan.fields, rows, zone)
    if not plan.fields.dimensions:
        totals = filter_by_metrics(plan.fields, _total(plan, coded))
        return Counted(totals, totals)
    table = report_rows(plan.fields, measure(coded, key_names(plan.fields), plan.fields.measures))
    kept = filter_by_metrics(plan.fields, table)
    if kept.height < table.height:
        coded = coded.join(kept, on=CODE, how="semi")
    return Counted(kept, _total(plan, coded))


def _total(plan: RealtimePlan, coded: pl.DataFrame) -> pl.DataFrame:
    counted = measure(with_one_code(coded), [], plan.fields.measures)
    return report_rows(plan.fields, counted if counted.height else zero_row(plan.fields))


def _stacked(plan: RealtimePlan, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(
        table.with_columns(pl.lit(number).alias(RANGE), pl.lit(name).alias(RANGE_NAME)).drop(CODE)
        for number, ((name, _), table) in enumerate(zip(named_ranges(plan.report), tables, strict=True))
    )


def _sort_keys(plan: RealtimePlan) -> list[SortKey]:
    default = (ByMetric(plan.report.metrics[0], descending=True),)
    keys = [_sort_key(plan, order) for order in plan.report.orders or default]
    columns = [_column(plan, name) for name in plan.report.dimensions if name != DATE_RANGE]
    return [*keys, *(SortKey(pl.col(column)) for column in columns), SortKey(pl.col(RANGE))]


def _sort_key(plan: RealtimePlan, order: RealtimeOrder) -> SortKey:
    if isinstance(order, ByMetric):
        return SortKey(pl.col(METRIC + order.name), order.descending)
    if order.name == DATE_RANGE:
        return SortKey(pl.col(RANGE), order.descending)
    return dimension_sort_key(order, _column(plan, order.name))


def _column(plan: RealtimePlan, name: str) -> str:
    if name == DATE_RANGE:
        return RANGE_NAME
    return f"{DIMENSION}{[dimension.name for dimension in plan.fields.dimensions].index(name)}"
