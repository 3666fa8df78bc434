"""Turns the stacked report rows of the date ranges (see rows.py) into the answer: empty rows, order, page, totals."""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

from reporting.kinds.table.parts import PART_NAMES
from reporting.kinds.table.plan import TablePlan
from reporting.model.audience import COMPARISON
from reporting.model.report import (
    DATE_RANGE,
    RESERVED_MAXIMUM,
    RESERVED_MINIMUM,
    RESERVED_TOTAL,
    Answer,
    ByMetric,
    Order,
    Row,
)
from reporting.query.answer_rows import answer_rows, metric_headers, tabulate_rows
from reporting.query.counted_rows import DIMENSION, METRIC, RANGE
from reporting.query.ordering import SortKey, dimension_sort_key, ordered


class ReportPage(NamedTuple):
    """The rows of the page, in order, and the number of rows on all pages."""

    rows: pl.DataFrame
    row_count: int


def page_of(plan: TablePlan, table: pl.DataFrame) -> ReportPage:
    """Leaves out empty rows unless the report keeps them, orders the others, and cuts out the page."""
    if plan.fields.metrics and not plan.report.keep_empty_rows:
        table = table.filter(pl.any_horizontal(pl.col(METRIC + name) != 0 for name in plan.report.metrics))
    default = [ByMetric(name, descending=True) for name in plan.report.metrics[:1]]
    keys = [_sort_key(plan, order) for order in plan.report.orders or default]
    # Rows that are equal by the orders follow their dimension values and date range, so that pages do not overlap.
    keys += [SortKey(pl.col(_dimension_column(plan, name))) for name in plan.report.dimensions if name != DATE_RANGE]
    keys.append(SortKey(pl.col(RANGE)))
    return ReportPage(ordered(table, keys).slice(plan.report.offset, plan.report.limit), table.height)


def assemble(
    plan: TablePlan, page: ReportPage, table: pl.DataFrame, totals: pl.DataFrame, zone: str, currency: str
) -> Answer:
    """Writes the answer. Minimums and maximums are those of `table`; `totals` has a row for each date range."""
    aggregations = plan.report.aggregations
    return Answer(
        dimensions=plan.headers,
        metrics=metric_headers(plan.fields),
        rows=answer_rows(plan.fields, page.rows, [_dimension_column(plan, name) for name in plan.headers]),
        row_count=page.row_count,
        totals=_aggregated(plan, totals, RESERVED_TOTAL) if "TOTAL" in aggregations else (),
        minimums=_extremes(plan, table, pl.Expr.min, RESERVED_MINIMUM) if "MINIMUM" in aggregations else (),
        maximums=_extremes(plan, table, pl.Expr.max, RESERVED_MAXIMUM) if "MAXIMUM" in aggregations else (),
        zone=zone,
        currency=currency,
    )


def _sort_key(plan: TablePlan, order: Order) -> SortKey:
    if isinstance(order, ByMetric):
        return SortKey(pl.col(METRIC + order.name), order.descending)
    if order.name == DATE_RANGE:
        return SortKey(pl.col(RANGE) // max(len(plan.comparisons), 1), order.descending)
    if order.name == COMPARISON:
        return SortKey(pl.col(RANGE) % max(len(plan.comparisons), 1), order.descending)
    return dimension_sort_key(order, _dimension_column(plan, order.name))


def _dimension_column(plan: TablePlan, name: str) -> str:
    if name in PART_NAMES:
        return PART_NAMES[name]
    names = [dimension.name for dimension in plan.fields.dimensions]
    return f"{DIMENSION}{names.index(name)}"


def _extremes(
    plan: TablePlan, table: pl.DataFrame, extreme: Callable[[pl.Expr], pl.Expr], label: str
) -> tuple[Row, ...]:
    by_range = table.group_by(RANGE, *PART_NAMES.values()).agg(extreme(pl.col(f"^{METRIC}.*$"))).sort(RANGE)
    return _aggregated(plan, by_range, label)


def _aggregated(plan: TablePlan, table: pl.DataFrame, label: str) -> tuple[Row, ...]:
    """Returns a row for each date range and comparison, with the label as the value of every dimension but these."""
    labelled = table.with_columns(pl.lit(label).alias("label"))
    return answer_rows(plan.fields, labelled, [PART_NAMES.get(name, "label") for name in plan.headers])


def tabulate_table(answer: Answer) -> pl.DataFrame:
    """Returns the rows of the page under the names of the answer's headers."""
    return tabulate_rows(answer.dimensions, answer.metrics, answer.rows)
