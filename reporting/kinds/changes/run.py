"""Counts changes: each value of the dimension in both periods, and all values that are not listed as one.

value    before   after                value    before   after   difference
/        10       12                   /new     -        7       +7      new
/new     -        7           ->       /old     3        -       -3      gone
/old     3        -                    others   10       12      +2
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from processing.interruption import checkpoint
from reporting.kinds.changes.plan import ChangesPlan
from reporting.kinds.changes.report import Change, ChangedValue, ChangesAnswer
from reporting.model.expressions import ratio
from reporting.model.report import ReportError
from reporting.query.aggregate import CODE, measure
from reporting.query.answer_rows import metric_headers
from reporting.query.counted_rows import DIMENSION, METRIC, coded_rows, key_names, report_rows, with_one_code, zero_row
from reporting.query.load import LoadedRows

PERIODS: Final = ("before", "after")
CHANGE: Final = ("before", "after", "difference", "relative")


def run_changes(plan: ChangesPlan, loaded: LoadedRows) -> ChangesAnswer:
    periods = coded_rows(plan.fields, loaded)
    values = _values(plan, periods)
    listed = values.head(plan.report.limit)
    hidden = values.slice(plan.report.limit)
    others = [
        coded.filter(pl.col(CODE).is_in(hidden[f"code {name}"].drop_nulls().implode()))
        for name, coded in zip(PERIODS, periods, strict=True)
    ]
    return ChangesAnswer(
        metric=metric_headers(plan.fields)[0],
        values=tuple(
            ChangedValue(value, status, Change(*change))
            for value, status, *change in listed.select("value", "status", *CHANGE).iter_rows()
        ),
        others=_together(plan, others),
        total=_together(plan, periods),
        row_count=values.height,
        new=values.filter(pl.col("status") == "new").height,
        gone=values.filter(pl.col("status") == "gone").height,
        zone=loaded.zone,
        currency=loaded.currency,
    )


def _values(plan: ChangesPlan, periods: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Returns all values, those with the largest differences first: CHANGE, status, and the code in each period."""
    counted = list[pl.DataFrame]()
    for name, coded in zip(PERIODS, periods, strict=True):
        checkpoint()
        rows = report_rows(plan.fields, measure(coded, key_names(plan.fields), plan.fields.measures))
        counted.append(
            rows.select(
                pl.col(f"{DIMENSION}0").alias("value"),
                pl.col(CODE).alias(f"code {name}"),
                pl.col(METRIC + plan.report.metric).alias(name),
            )
        )
    values = counted[0].join(counted[1], on="value", how="full", coalesce=True)
    if values.height > plan.most_rows:
        raise ReportError(f"The dimension has more than {plan.most_rows:,} values. Filter them, or ask for fewer days.")
    status = (
        pl.when(pl.col("code before").is_null())
        .then(pl.lit("new"))
        .when(pl.col("code after").is_null())
        .then(pl.lit("gone"))
        .otherwise(pl.lit("kept"))
    )
    changes = _with_change(values.with_columns(pl.col(PERIODS).fill_null(0), status=status))
    return changes.sort(pl.col("difference").abs(), "value", descending=[True, False])


def _together(plan: ChangesPlan, periods: Sequence[pl.DataFrame]) -> Change:
    """Counts all rows of each period as one."""
    counts = list[pl.Series]()
    for name, coded in zip(PERIODS, periods, strict=True):
        counted = measure(with_one_code(coded), [], plan.fields.measures)
        rows = report_rows(plan.fields, counted if counted.height else zero_row(plan.fields))
        counts.append(rows[METRIC + plan.report.metric].alias(name))
    return Change(*_with_change(pl.DataFrame(counts)).select(CHANGE).row(0))


def _with_change(rows: pl.DataFrame) -> pl.DataFrame:
    difference = pl.col("after") - pl.col("before")
    relative = pl.when(pl.col("before") != 0).then(ratio(difference, pl.col("before")))
    return rows.with_columns(difference=difference, relative=relative)
