"""The parts of a table: its date ranges or, in a report with comparisons, each date range of each comparison."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import polars as pl

from reporting.kinds.table.plan import TablePlan
from reporting.model.audience import COMPARISON
from reporting.model.date_ranges import Days
from reporting.model.report import DATE_RANGE
from reporting.query.counted_rows import RANGE, RANGE_NAME

COMPARISON_NAME: Final = "comparison name"  # column, beside RANGE_NAME; RANGE has the number of the part
PART_NAMES: Final = {DATE_RANGE: RANGE_NAME, COMPARISON: COMPARISON_NAME}  # the columns of these dimensions


class Part(NamedTuple):
    """`comparison` is empty in a report without comparisons."""

    days: Days
    comparison: str


def parts_of(plan: TablePlan) -> list[Part]:
    """Returns the parts by date range, then by comparison, in the order of the report."""
    return [Part(days, name) for days in plan.days for name in plan.comparisons or ("",)]


def stack_parts(plan: TablePlan, tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Puts the report rows of all parts one below the other. Adds RANGE, RANGE_NAME and COMPARISON_NAME."""
    return pl.concat(
        table.with_columns(
            pl.lit(number).alias(RANGE),
            pl.lit(part.days.name).alias(RANGE_NAME),
            pl.lit(part.comparison).alias(COMPARISON_NAME),
        )
        for number, (part, table) in enumerate(zip(parts_of(plan), tables, strict=True))
    )
