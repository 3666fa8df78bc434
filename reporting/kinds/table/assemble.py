"""From the tables of the date ranges to the answer: empty rows, order, page, totals."""

from collections.abc import Callable
from typing import Final, NamedTuple

import polars as pl

from reporting.kinds.table.plan import TablePlan
from reporting.model.report import DATE_RANGE, Answer, ByDimension, ByMetric, MetricHeader, Order, Row

DIMENSION: Final = "dimension "
METRIC: Final = "metric "
RANGE: Final = "range"
RANGE_NAME: Final = "range name"
RESERVED_TOTAL: Final = "RESERVED_TOTAL"
RESERVED_MINIMUM: Final = "RESERVED_MIN"
RESERVED_MAXIMUM: Final = "RESERVED_MAX"


class SortKey(NamedTuple):
    value: pl.Expr
    descending: bool = False
    nulls_last: bool = False


class ReportPage(NamedTuple):
    """The rows that are asked for, in order, and how many rows there are in all."""

    rows: pl.DataFrame
    row_count: int


def page_of(asked: TablePlan, rows: pl.DataFrame) -> ReportPage:
    """`rows` of all date ranges, with the columns RANGE (a number) and RANGE_NAME."""
    kept = rows if asked.report.keep_empty_rows else _without_empty(asked, rows)
    return ReportPage(_ordered(asked, kept).slice(asked.report.offset, asked.report.limit), kept.height)


def assemble(
    asked: TablePlan, page: ReportPage, rows: pl.DataFrame, totals: pl.DataFrame, zone: str, currency: str
) -> Answer:
    """`rows`, among which minimums and maximums are looked for, and `totals` are like those of `page_of`."""
    return Answer(
        dimensions=asked.headers,
        metrics=tuple(
            MetricHeader(metric.name, metric.type) for metric in asked.metrics if metric.name in _visible(asked)
        ),
        rows=_rows(asked, page.rows, [_dimension_column(asked, name) for name in asked.headers]),
        row_count=page.row_count,
        totals=_aggregate(asked, totals, RESERVED_TOTAL) if "TOTAL" in asked.report.aggregations else (),
        minimums=_aggregate(asked, _extremes(rows, pl.Expr.min), RESERVED_MINIMUM)
        if "MINIMUM" in asked.report.aggregations
        else (),
        maximums=_aggregate(asked, _extremes(rows, pl.Expr.max), RESERVED_MAXIMUM)
        if "MAXIMUM" in asked.report.aggregations
        else (),
        zone=zone,
        currency=currency,
    )


def _visible(asked: TablePlan) -> list[str]:
    return [name for name in asked.report.metrics if name not in asked.report.invisible]


def _without_empty(asked: TablePlan, rows: pl.DataFrame) -> pl.DataFrame:
    if not asked.metrics:
        return rows
    return rows.filter(pl.any_horizontal(pl.col(METRIC + name) != 0 for name in asked.report.metrics))


def _ordered(asked: TablePlan, rows: pl.DataFrame) -> pl.DataFrame:
    default = [ByMetric(name, descending=True) for name in asked.report.metrics[:1]]
    keys = [_sort_key(asked, order) for order in asked.report.orders or default]
    keys += [SortKey(pl.col(_dimension_column(asked, name))) for name in asked.report.dimensions if name != DATE_RANGE]
    keys.append(SortKey(pl.col(RANGE)))
    values, descending, nulls_last = zip(*keys, strict=True)
    return rows.sort(values, descending=descending, nulls_last=nulls_last)


def _sort_key(asked: TablePlan, order: Order) -> SortKey:
    if isinstance(order, ByMetric):
        return SortKey(pl.col(METRIC + order.name), order.descending)
    if order.name == DATE_RANGE:
        return SortKey(pl.col(RANGE), order.descending)
    return SortKey(
        _comparable(order, pl.col(_dimension_column(asked, order.name))), order.descending, nulls_last=order.descending
    )


def _comparable(order: ByDimension, text: pl.Expr) -> pl.Expr:
    """Texts that are no number stand, equal to each other, below all numbers: null, which sorts first."""
    if order.order == "NUMERIC":
        number = text.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    return text.str.to_lowercase() if order.order == "CASE_INSENSITIVE_ALPHANUMERIC" else text


def _dimension_column(asked: TablePlan, name: str) -> str:
    if name == DATE_RANGE:
        return RANGE_NAME
    names = [each.name for each in asked.dimensions]
    return f"{DIMENSION}{names.index(name)}"


def _extremes(rows: pl.DataFrame, pick: Callable[[pl.Expr], pl.Expr]) -> pl.DataFrame:
    return rows.group_by(RANGE, RANGE_NAME).agg(pick(pl.col(f"^{METRIC}.*$"))).sort(RANGE)


def _aggregate(asked: TablePlan, table: pl.DataFrame, label: str) -> tuple[Row, ...]:
    """Each date range's row; every dimension of it but the date range reads as the label."""
    labelled = table.with_columns(pl.lit(label).alias("label"))
    return _rows(asked, labelled, [RANGE_NAME if name == DATE_RANGE else "label" for name in asked.headers])


def _rows(asked: TablePlan, table: pl.DataFrame, dimensions: list[str]) -> tuple[Row, ...]:
    count = len(dimensions)
    texts = [pl.col(name).alias(f"text {n}") for n, name in enumerate(dimensions)]
    wanted = table.select(*texts, *(METRIC + name for name in _visible(asked)))
    return tuple(Row(values[:count], values[count:]) for values in wanted.iter_rows())
