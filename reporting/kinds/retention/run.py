"""Counts retention from the days on which each visitor has events:

visitor   days          first day   by weeks from Monday the 2nd
1         3, 4, 12      3           cohort of the 2nd: here in weeks 0 and 1
2         10, 25        10          cohort of the 9th: here in weeks 0 and 2
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from processing.interruption import checkpoint
from processing.sessions.local_periods import day_number
from reporting.kinds.retention.plan import FIRST_DAY, RetentionPlan
from reporting.kinds.retention.report import Cohort, CohortsOfValue, Granularity, RetentionAnswer
from reporting.model.report import ReportError
from reporting.query.load import LoadedRows

MORE: Final = "+ more"
_MONDAY: Final = 4  # 5 January 1970, as days since 1970
_START: Final[dict[Granularity, str]] = {"day": "1d", "week": "1w", "month": "1mo"}
_COHORT: Final = ("start", "cohort")
_EACH: Final = pl.col("visitor").n_unique().cast(pl.Int64)


def run_retention(plan: RetentionPlan, loaded: LoadedRows) -> RetentionAnswer:
    visits = _visits(plan, loaded)
    cohorts = _cohorts(plan, visits)
    return RetentionAnswer(cohorts, _rates(cohorts), _breakdown(plan, visits), loaded.zone)


def _visits(plan: RetentionPlan, loaded: LoadedRows) -> pl.DataFrame:
    """Returns a row for each visitor of a cohort and each period with an event: `visitor`, the `value` of the
    breakdown, `start` and number (`cohort`) of the cohort's period, and the `number` of the period after it, from 0.
    """
    value = plan.breakdown.text(plan.breakdown.key(loaded.zone)) if plan.breakdown else pl.lit("")
    last = min(day_number(plan.cohorts.last), day_number(plan.today))
    cohort, period = (_period(pl.col(name), plan.report.granularity) for name in (FIRST_DAY, "day"))
    return (
        loaded.of(plan, plan.days[0])
        .lazy()
        .filter(pl.col(FIRST_DAY).is_between(day_number(plan.cohorts.first), last))
        .select(
            "visitor",
            value.alias("value"),
            pl.col(FIRST_DAY).cast(pl.Date).dt.truncate(_START[plan.report.granularity]).alias("start"),
            cohort.alias("cohort"),
            (period - cohort).alias("number"),
        )
        .filter(pl.col("number") < plan.report.periods)
        .unique()
        .collect()
    )


def _period(day: pl.Expr, granularity: Granularity) -> pl.Expr:
    """Returns a number for the period of a day (days since 1970) that is 1 larger for the next period."""
    day = day.cast(pl.Int32)
    match granularity:
        case "day":
            return day
        case "week":
            return (day - _MONDAY) // 7
    return day.cast(pl.Date).dt.year() * 12 + day.cast(pl.Date).dt.month().cast(pl.Int32)


def _cohorts(plan: RetentionPlan, visits: pl.DataFrame) -> tuple[Cohort, ...]:
    sizes = visits.group_by(_COHORT).agg(_EACH.alias("size"))
    counted = visits.group_by(*_COHORT, "number").agg(_EACH.alias("visitors"))
    by_cohort = counted.group_by(_COHORT).agg("number", "visitors").join(sizes, on=_COHORT).sort("start")
    today = pl.DataFrame({"day": [day_number(plan.today)]})
    this_period = today.select(_period(pl.col("day"), plan.report.granularity)).item()
    cohorts = list[Cohort]()
    for start, cohort, numbers, visitors, size in by_cohort.iter_rows():
        returned = np.zeros(min(plan.report.periods, this_period - cohort + 1), dtype=np.int64)
        returned[numbers] = visitors
        cohorts.append(Cohort(start, size, tuple(returned.tolist()), tuple((returned / size).tolist())))
    return tuple(cohorts)


def _breakdown(plan: RetentionPlan, visits: pl.DataFrame) -> tuple[CohortsOfValue, ...]:
    """Counts the values of the breakdown, those with most visitors first; the values beyond the limit are one."""
    if plan.breakdown is None:
        return ()
    by_value = visits.group_by("value").agg(_EACH.alias("visitors"))
    values = by_value.sort("visitors", "value", descending=[True, False])["value"].to_list()
    shown, rest = values[: plan.report.limit], values[plan.report.limit :]
    _check_rows(plan, visits.filter(pl.col("value").is_in(shown)).select("value", "start").unique().height)
    parts = [(value, [value]) for value in shown] + ([(MORE, rest)] if rest else [])
    counted = list[tuple[str, tuple[Cohort, ...]]]()
    for name, own in parts:
        checkpoint()
        counted.append((name, _cohorts(plan, visits.filter(pl.col("value").is_in(own)))))
    return tuple(CohortsOfValue(name, cohorts, _rates(cohorts)) for name, cohorts in counted)


def _check_rows(plan: RetentionPlan, cohorts: int) -> None:
    if cohorts * plan.report.periods > plan.most_rows:
        raise ReportError(
            f"The report has more than {plan.most_rows:,} rows: {cohorts:,} cohorts of values, times the periods. Ask"
            " for fewer values, periods or days, or for weeks or months."
        )


def _rates(cohorts: tuple[Cohort, ...]) -> tuple[float, ...]:
    """Returns for each period the visitors who came again as a share of those who could."""
    longest = max((len(cohort.returned) for cohort in cohorts), default=0)
    returned: NDArray[np.int64] = np.zeros(longest, dtype=np.int64)
    visitors = returned.copy()
    for cohort in cohorts:
        returned[: len(cohort.returned)] += cohort.returned
        visitors[: len(cohort.returned)] += cohort.visitors
    return tuple((returned / visitors).tolist())
