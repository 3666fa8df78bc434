"""Counts a pivot report: the values of each pivot first, then the cells of those that are shown.

    pivots: country | browser         cells: those that occur       total over the browsers
    Germany | Chrome                  Germany  Chrome   4           Germany  RESERVED_TOTAL   5
    Spain   | Firefox                 Germany  Firefox  2           Spain    RESERVED_TOTAL   3
                                      Spain    Chrome   3

Each is counted over the events: a visitor with two browsers is in two cells, and once in the total.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl

from processing.interruption import checkpoint
from reporting.kinds.pivot.plan import Group, PivotPlan
from reporting.kinds.pivot.report import ByPivot, Pivot, PivotAnswer, PivotHeader, PivotOrder
from reporting.model.report import (
    DATE_RANGE,
    RESERVED_MAXIMUM,
    RESERVED_MINIMUM,
    RESERVED_TOTAL,
    Aggregation,
    ByDimension,
    ByMetric,
    ReportError,
    Row,
)
from reporting.query.aggregate import CODE, count, measure, saturated, with_code
from reporting.query.answer_rows import answer_rows, metric_headers
from reporting.query.counted_rows import (
    DIMENSION,
    KEY,
    METRIC,
    RANGE,
    RANGE_NAME,
    coded_rows,
    filter_by_metrics,
    key_names,
    metric_columns,
    report_rows,
    stack_ranges,
)
from reporting.query.load import LoadedRows
from reporting.query.ordering import SortKey, dimension_sort_key, ordered

RANK: Final = "rank "
LABEL: Final[dict[Aggregation, str]] = {
    "TOTAL": RESERVED_TOTAL,
    "MINIMUM": RESERVED_MINIMUM,
    "MAXIMUM": RESERVED_MAXIMUM,
}


class Shown(NamedTuple):
    """The values on a pivot's page: the columns of its group, and its RANK; and how many there are on all pages."""

    values: pl.DataFrame
    row_count: int


def run_pivot(plan: PivotPlan, loaded: LoadedRows) -> PivotAnswer:
    ranges = coded_rows(plan.fields, loaded)
    cells = _cells(plan, ranges)
    if plan.fields.metric_filter:
        cells = filter_by_metrics(plan.fields, _measured(plan, ranges)).select(pl.exclude(f"^{METRIC}.*$"))
        ranges = _within(ranges, cells)
    shown = [_shown(plan, pivot, group, ranges) for pivot, group in zip(plan.report.pivots, plan.groups, strict=True)]
    names = [_dimension_column(plan, name) for name in plan.report.dimensions]
    rows = _not_empty(plan, _measured(plan, _within(ranges, _among(plan, cells, shown, range(len(shown))))))
    rows = _among(plan, rows, shown, range(len(shown))).sort([f"{RANK}{n}" for n in range(len(shown))])
    return PivotAnswer(
        pivots=tuple(_header(plan, pivot, each) for pivot, each in zip(plan.report.pivots, shown, strict=True)),
        dimensions=plan.report.dimensions,
        metrics=metric_headers(plan.fields),
        rows=answer_rows(plan.fields, rows, names),
        aggregates=_aggregates(plan, ranges, cells, shown),
        zone=loaded.zone,
        currency=loaded.currency,
    )


def _cells(plan: PivotPlan, ranges: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Returns the combinations of all dimensions that occur, by date range: CODE and texts."""
    keys = key_names(plan.fields)
    texts = [
        dimension.text(pl.col(key)).alias(f"{DIMENSION}{n}")
        for n, (key, dimension) in enumerate(zip(keys, plan.fields.dimensions, strict=True))
    ]
    found = list[pl.DataFrame]()
    for coded in ranges:
        checkpoint()
        found.append(coded.group_by(CODE).agg(pl.col(keys).first()).select(CODE, *texts))
    _check_rows(plan, sum(each.height for each in found))
    return stack_ranges(plan.fields, found)


def _measured(plan: PivotPlan, ranges: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Returns the report rows of all cells that these rows are in, by date range."""
    tables = list[pl.DataFrame]()
    for coded in ranges:
        checkpoint()
        tables.append(report_rows(plan.fields, measure(coded, key_names(plan.fields), plan.fields.measures)))
    return stack_ranges(plan.fields, tables)


def _within(ranges: Sequence[pl.DataFrame], cells: pl.DataFrame) -> list[pl.DataFrame]:
    """Keeps the rows of these cells."""
    codes = [cells.filter(pl.col(RANGE) == number)[CODE] for number in range(len(ranges))]
    return [coded.filter(pl.col(CODE).is_in(kept.implode())) for coded, kept in zip(ranges, codes, strict=True)]


def _among(plan: PivotPlan, cells: pl.DataFrame, shown: Sequence[Shown], pivots: Sequence[int]) -> pl.DataFrame:
    """Keeps the cells whose values are on the pages of these pivots, with the RANK of each."""
    for number in pivots:
        cells = cells.join(shown[number].values, on=_columns(plan.groups[number]), how="inner")
    return cells


def _shown(plan: PivotPlan, pivot: Pivot, group: Group, ranges: Sequence[pl.DataFrame]) -> Shown:
    table = _not_empty(plan, _grouped(plan, group, ranges))
    _check_rows(plan, table.height)
    keys = list[SortKey]()
    for order in pivot.orders or (ByMetric(plan.report.metrics[0], descending=True),):
        column = f"order {len(keys)}"
        if isinstance(order, ByPivot):
            chosen = _grouped(plan, group, _chosen(plan, ranges, order.values))
            values = chosen.select(*_columns(group), pl.col(METRIC + order.name).alias(column))
            table = table.join(values, on=_columns(group), how="left").with_columns(pl.col(column).fill_null(0))
        keys.append(_sort_key(plan, order, column))
    keys += [SortKey(pl.col(name)) for name in _columns(group)]
    page = ordered(table, keys).select(_columns(group)).slice(pivot.offset, pivot.limit)
    return Shown(page.with_row_index(f"{RANK}{plan.groups.index(group)}"), table.height)


def _sort_key(plan: PivotPlan, order: PivotOrder, column: str) -> SortKey:
    match order:
        case ByPivot(descending=descending):
            return SortKey(pl.col(column), descending)
        case ByMetric(name, descending):
            return SortKey(pl.col(METRIC + name), descending)
        case ByDimension(name, descending) if name == DATE_RANGE:
            return SortKey(pl.col(RANGE), descending)
        case ByDimension(name):
            return dimension_sort_key(order, _dimension_column(plan, name))


def _grouped(plan: PivotPlan, group: Group, ranges: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Counts the rows by the dimensions of a group: its columns, and the metrics. Unless dateRange is one of them, the
    counts of the date ranges are added up.
    """
    keys = [f"{KEY}{number}" for number in group.numbers]
    texts = [
        plan.fields.dimensions[number].text(pl.col(f"{KEY}{number}")).alias(f"{DIMENSION}{number}")
        for number in group.numbers
    ]
    counted = list[pl.DataFrame]()
    for coded in ranges:
        checkpoint()
        table = count(with_code(coded.drop(CODE), keys), keys, plan.fields.measures)
        counted.append(table.select(*texts, *(measure.name for measure in plan.fields.measures)))
    table = stack_ranges(plan.fields, counted)
    if not group.by_range and len(ranges) > 1:
        added = [pl.col(measure.name).sum() for measure in plan.fields.measures]
        table = table.group_by(_columns(group)).agg(added)
    table = saturated(table, plan.fields.measures)
    return table.select(*_columns(group), *metric_columns(plan.fields))


def _chosen(plan: PivotPlan, ranges: Sequence[pl.DataFrame], values: dict[str, str]) -> list[pl.DataFrame]:
    """Keeps the rows whose dimensions have these values."""
    names = [dimension.name for dimension in plan.fields.dimensions]
    kept = list[pl.DataFrame]()
    for days, coded in zip(plan.days, ranges, strict=True):
        conditions = [pl.lit(value=values.get(DATE_RANGE, days.name) == days.name)]
        for name, value in values.items():
            if name != DATE_RANGE:
                key = f"{KEY}{names.index(name)}"
                known = coded.select(pl.col(key).unique())
                text = plan.fields.dimensions[names.index(name)].text(pl.col(key))
                conditions.append(pl.col(key).is_in(known.filter(text == value)[key].implode()))
        kept.append(coded.filter(conditions))
    return kept


def _aggregates(
    plan: PivotPlan, ranges: Sequence[pl.DataFrame], cells: pl.DataFrame, shown: Sequence[Shown]
) -> tuple[Row, ...]:
    """Aggregates over pivots, for the values that the others show. Each date range is aggregated by itself."""
    extremes = {"MINIMUM": pl.Expr.min, "MAXIMUM": pl.Expr.max}
    every_cell = pl.DataFrame()
    rows = list[Row]()
    for aggregation, over in plan.aggregates():
        others = [number for number in range(len(plan.groups)) if number not in over]
        group = Group(tuple(n for other in others for n in plan.groups[other].numbers), by_range=True)
        if aggregation == "TOTAL":
            table = _grouped(plan, group, _within(ranges, _among(plan, cells, shown, others)))
        else:
            if every_cell.is_empty():
                every_cell = _not_empty(plan, _measured(plan, ranges))
            extreme = extremes[aggregation](pl.col(f"^{METRIC}.*$"))
            table = _among(plan, every_cell, shown, others).group_by(_columns(group)).agg(extreme)
        ranks = [f"{RANK}{other}" for other in others]
        table = _among(plan, table, shown, others).sort([*ranks, RANGE])
        labelled = table.with_columns(pl.lit(LABEL[aggregation]).alias("label"))
        rows += answer_rows(plan.fields, labelled, _labelled_columns(plan, over))
    return tuple(rows)


def _labelled_columns(plan: PivotPlan, over: frozenset[int]) -> list[str]:
    return [
        "label" if number in over and name != DATE_RANGE else _dimension_column(plan, name)
        for number, pivot in enumerate(plan.report.pivots)
        for name in pivot.dimensions
    ]


def _header(plan: PivotPlan, pivot: Pivot, shown: Shown) -> PivotHeader:
    values = shown.values.select(_dimension_column(plan, name) for name in pivot.dimensions)
    return PivotHeader(pivot.dimensions, tuple(values.iter_rows()), shown.row_count)


def _not_empty(plan: PivotPlan, table: pl.DataFrame) -> pl.DataFrame:
    """Leaves out the rows whose metrics are all 0, unless the report keeps them."""
    if plan.report.keep_empty_rows:
        return table
    return table.filter(pl.any_horizontal(pl.col(METRIC + name) != 0 for name in plan.report.metrics))


def _columns(group: Group) -> list[str]:
    return [*(f"{DIMENSION}{number}" for number in group.numbers), *([RANGE, RANGE_NAME] if group.by_range else [])]


def _dimension_column(plan: PivotPlan, name: str) -> str:
    if name == DATE_RANGE:
        return RANGE_NAME
    return f"{DIMENSION}{[dimension.name for dimension in plan.fields.dimensions].index(name)}"


def _check_rows(plan: PivotPlan, rows: int) -> None:
    if rows > plan.most_rows:
        raise ReportError(
            f"The report has more than {plan.most_rows:,} cells, on all of its pages. Ask for fewer dimensions or days,"
            " or filter them."
        )
