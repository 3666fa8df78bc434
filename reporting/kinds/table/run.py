"""Counts a table: exactly, and with the same answer for the same events in any order.

The columns of coded, counted and report rows are described in reporting/kinds/table/rows.py.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from processing.interruption import checkpoint
from reporting.kinds.table.assemble import ReportPage, assemble, page_of
from reporting.kinds.table.intervals import with_empty_intervals
from reporting.kinds.table.parts import parts_of, stack_parts
from reporting.kinds.table.plan import TablePlan
from reporting.model.date_ranges import Days
from reporting.model.report import Answer, ReportError
from reporting.query.aggregate import CODE, nonzero_flags, saturated
from reporting.query.counted_rows import (
    RANGE,
    coded_rows,
    filter_by_metrics,
    key_names,
    report_rows,
    with_one_code,
    zero_row,
)
from reporting.query.load import LoadedRows
from reporting.query.trailing import count_with_days_before


class Counted(NamedTuple):
    """`table` has all report rows, for minimums and maximums, or the page if there are none; `totals` one a range."""

    page: ReportPage
    table: pl.DataFrame
    totals: pl.DataFrame


def run_table(plan: TablePlan, loaded: LoadedRows) -> Answer:
    return _count(plan, coded_rows(plan.fields, loaded), loaded)


def compare_tables(plan: TablePlan, compared: Sequence[tuple[str, LoadedRows]]) -> Answer:
    """Answers the comparisons in one table, whose rows and totals carry the name of theirs."""
    names, loaded = zip(*compared, strict=True)
    return _count(plan._replace(comparisons=names), coded_parts(plan, loaded), loaded[0])


def coded_parts(plan: TablePlan, loaded: Sequence[LoadedRows]) -> list[pl.DataFrame]:
    """Returns the coded rows of all parts, of the rows of each comparison."""
    by_comparison = [coded_rows(plan.fields, rows) for rows in loaded]
    return [coded for parts in zip(*by_comparison, strict=True) for coded in parts]


def _count(plan: TablePlan, ranges: Sequence[pl.DataFrame], loaded: LoadedRows) -> Answer:
    """Counts the coded rows of all parts."""
    counted = _page_then_count(plan, ranges) if plan.can_page_first else _count_all_then_page(plan, ranges, loaded.zone)
    return assemble(plan, counted.page, counted.table, counted.totals, loaded.zone, loaded.currency)


def _count_all_then_page(plan: TablePlan, ranges: Sequence[pl.DataFrame], zone: str) -> Counted:
    """Measures all rows of the table, then cuts the page out of it."""
    counted = list[tuple[pl.DataFrame, pl.DataFrame]]()
    for coded, part in zip(ranges, parts_of(plan), strict=True):
        counted.append(_count_range(plan, coded, part.days, zone))
        _check_rows(plan, [table for table, _ in counted])
    table, totals = (stack_parts(plan, tables) for tables in zip(*counted, strict=True))
    return Counted(page_of(plan, table), table, totals)


def _page_then_count(plan: TablePlan, ranges: Sequence[pl.DataFrame]) -> Counted:
    """Finds the page by sums and nonzero flags, then measures the rows of the page only.

    A page of 10 among 50,000 paths, by eventCount, with totalUsers: the event counts of all paths order them, and
    totalUsers is 1 instead of a count, enough to know that a row is not empty. Then visitors of 10 paths are counted.
    """
    keys = key_names(plan.fields)
    flags = list[pl.DataFrame]()
    for coded in ranges:
        checkpoint()
        flags.append(nonzero_flags(coded, keys, plan.fields.measures))
        _check_rows(plan, flags)
    checkpoint()
    page = page_of(plan, stack_parts(plan, [report_rows(plan.fields, flagged) for flagged in flags]))
    measured = []
    for number, coded in enumerate(ranges):
        codes = page.rows.filter(pl.col(RANGE) == number)[CODE]
        kept = coded.filter(pl.col(CODE).is_in(codes.implode()))
        measured.append(_measured(plan, kept, parts_of(plan)[number].days))
    row_id = [RANGE, CODE]
    rows = page.rows.select(row_id).join(stack_parts(plan, measured), on=row_id, how="left", maintain_order="left")
    parts = zip(ranges, parts_of(plan), strict=True)
    totals = stack_parts(plan, [_totals(plan, coded, part.days) for coded, part in parts])
    return Counted(ReportPage(rows, page.row_count), rows, totals)


def _check_rows(plan: TablePlan, tables: Sequence[pl.DataFrame]) -> None:
    """Raises ReportError if the tables have more rows together than a report may have."""
    rows = sum(table.height for table in tables)
    if rows > plan.most_rows:
        raise ReportError(
            f"The report has more than {plan.most_rows:,} rows, on all of its pages. Ask for fewer dimensions or days,"
            " or filter them."
        )


def _count_range(plan: TablePlan, coded: pl.DataFrame, days: Days, zone: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns the report rows of one date range, and its totals (one row)."""
    totals = _totals(plan, coded, days)
    table = with_empty_intervals(plan, _measured(plan, coded, days), days, zone) if plan.fields.dimensions else totals
    rows = filter_by_metrics(plan.fields, table)
    if rows.height == table.height:
        return rows, totals
    return rows, _totals(plan, coded.join(rows, on=CODE, how="semi"), days)


def _measured(plan: TablePlan, coded: pl.DataFrame, days: Days) -> pl.DataFrame:
    checkpoint()
    counted = count_with_days_before(plan.fields, coded, key_names(plan.fields), days, plan.most_rows)
    return report_rows(plan.fields, saturated(counted, plan.fields.measures))


def _totals(plan: TablePlan, coded: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Returns one report row over all coded rows, which is not the sum of the table's: a visitor may be in several."""
    if not plan.needs_totals:
        return report_rows(plan.fields, zero_row(plan.fields)).clear()
    counted = count_with_days_before(plan.fields, with_one_code(coded), [], days, plan.most_rows)
    total = saturated(counted, plan.fields.measures)
    return report_rows(plan.fields, total if total.height else zero_row(plan.fields))
