"""Counts retention from the days on which each visitor has events:

visitor   days          first day   by weeks from Monday the 2nd
1         3, 4, 12      3           cohort of the 2nd: here in weeks 0 and 1
2         10, 25        10          cohort of the 9th: here in weeks 0 and 2
"""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from processing.sessions.local_periods import day_number
from reporting.kinds.retention.plan import RetentionPlan
from reporting.kinds.retention.report import Cohort, Granularity, RetentionAnswer
from reporting.query.load import LoadedRows

_DATE: Final = pl.col("day").cast(pl.Date)
_MONDAY: Final = 4  # 5 January 1970, as days since 1970
# A number for the period of a day that is 1 larger for the next period.
_PERIOD: Final[dict[Granularity, pl.Expr]] = {
    "day": pl.col("day"),
    "week": (pl.col("day") - _MONDAY) // 7,
    "month": _DATE.dt.year() * 12 + _DATE.dt.month().cast(pl.Int32),
}
_START: Final[dict[Granularity, str]] = {"day": "1d", "week": "1w", "month": "1mo"}


def run_retention(plan: RetentionPlan, loaded: LoadedRows) -> RetentionAnswer:
    granularity = plan.report.granularity
    visits = loaded.of(plan, plan.days[0]).lazy().select("visitor", pl.col("day").cast(pl.Int32)).unique()
    first_days = visits.group_by("visitor").agg(pl.col("day").min())
    in_range = pl.col("day").is_between(day_number(plan.cohorts.first), day_number(plan.cohorts.last))
    cohorts = first_days.filter(in_range).select(
        "visitor",
        _PERIOD[granularity].cast(pl.Int32).alias("cohort"),
        _DATE.dt.truncate(_START[granularity]).alias("start"),
    )
    later = visits.select("visitor", _PERIOD[granularity].cast(pl.Int32).alias("period"))
    counted = (
        cohorts.join(later, on="visitor")
        .with_columns(number=pl.col("period") - pl.col("cohort"))
        .filter(pl.col("number") < plan.report.periods)
        .group_by("start", "cohort", "number")
        .agg(pl.col("visitor").n_unique().alias("visitors"))
        .sort("start", "number")
        .collect()
    )
    return _answer(plan, counted, loaded.zone)


def _answer(plan: RetentionPlan, counted: pl.DataFrame, zone: str) -> RetentionAnswer:
    today = pl.DataFrame({"day": [day_number(plan.days[0].last)]}, schema={"day": pl.Int32()})
    this_period = today.select(_PERIOD[plan.report.granularity]).item()
    cohorts = list[Cohort]()
    for (start, cohort), rows in counted.group_by("start", "cohort", maintain_order=True):
        begun = min(plan.report.periods, this_period - int(str(cohort)) + 1)
        returned = np.zeros(begun, dtype=np.int64)
        returned[rows["number"].to_numpy()] = rows["visitors"].to_numpy()
        size = int(returned[0])
        cohorts.append(Cohort(start, size, tuple(returned.tolist()), tuple((returned / size).tolist())))
    return RetentionAnswer(tuple(cohorts), _rates(cohorts), zone)


def _rates(cohorts: list[Cohort]) -> tuple[float, ...]:
    """Returns for each period the visitors who came again as a share of those who could."""
    longest = max((len(cohort.returned) for cohort in cohorts), default=0)
    returned: NDArray[np.int64] = np.zeros(longest, dtype=np.int64)
    visitors = returned.copy()
    for cohort in cohorts:
        returned[: len(cohort.returned)] += cohort.returned
        visitors[: len(cohort.returned)] += cohort.visitors
    return tuple((returned / visitors).tolist())
