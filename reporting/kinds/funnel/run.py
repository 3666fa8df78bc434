"""Counts a funnel: the visitors whose events reach its steps, see reporting/query/sequences.py."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from processing.sessions.local_periods import day_number
from reporting.kinds.funnel.plan import ORDER, FunnelPlan
from reporting.kinds.funnel.report import Breakdown, FunnelAnswer, FunnelDay, FunnelStep, NextAction, StepCount
from reporting.query.load import LoadedRows
from reporting.query.sequences import Numbers, Reached, reached_steps

MORE: Final = "+ more"
END: Final = "(end)"


def run_funnel(plan: FunnelPlan, loaded: LoadedRows) -> FunnelAnswer:
    rows = loaded.of(plan, plan.days[0]).sort(ORDER)
    visitor = rows["visitor"].to_numpy().astype(np.int64)
    reached = reached_steps(
        rows, "visitor", plan.report.steps, plan.filter_dimensions, loaded.zone, open=plan.report.open
    )
    (steps,) = _counts(plan.report.steps, reached, visitor, np.zeros(_size(visitor), dtype=np.int64), 1)
    return FunnelAnswer(
        steps=steps,
        breakdown=_breakdown(plan, rows, reached, visitor, loaded.zone),
        next_actions=_next_actions(plan, rows, reached, visitor, loaded.zone),
        trend=_trend(plan, rows, reached, visitor),
        zone=loaded.zone,
    )


def _counts(
    steps: Sequence[FunnelStep], reached: Sequence[Reached], visitor: Numbers, group: Numbers, groups: int
) -> list[tuple[StepCount, ...]]:
    """Counts visitors by group: `group` has the group's number for each visitor. Returns the steps of each group."""
    visitors = [_visitors(visitor[this.rows], group, groups) for this in reached]
    continued = [_visitors(visitor[this.continuing], group, groups) for this in reached[1:]]
    continued.append(np.zeros(groups, dtype=np.int64))
    seconds = [_seconds(this, visitor, group, groups) for this in reached]
    return [
        tuple(
            StepCount(
                step=step.name,
                visitors=int(visitors[number][which]),
                continued=int(continued[number][which]),
                completion_rate=float(continued[number][which] / max(visitors[number][which], 1)),
                abandoned=int((visitors[number] - continued[number])[which]) if number + 1 < len(steps) else 0,
                seconds=float(seconds[number][which]),
            )
            for number, step in enumerate(steps)
        )
        for which in range(groups)
    ]


def _visitors(visitor: Numbers, group: Numbers, groups: int) -> Numbers:
    return np.bincount(group[np.unique(visitor)], minlength=groups)


def _seconds(reached: Reached, visitor: Numbers, group: Numbers, groups: int) -> NDArray[np.float64]:
    """Returns the average time from the step before, over each visitor's first row that comes from it."""
    visitors, first = np.unique(visitor[reached.continuing], return_index=True)
    total_ms = np.zeros(groups, dtype=np.int64)
    np.add.at(total_ms, group[visitors], reached.elapsed_ms[first])
    count = np.bincount(group[visitors], minlength=groups)
    average: NDArray[np.float64] = total_ms / (1000 * np.maximum(count, 1))
    return average


def _size(visitor: Numbers) -> int:
    """Returns the length of an array that all numbers of visitors index."""
    return int(visitor.max()) + 1 if len(visitor) else 0


def _breakdown(
    plan: FunnelPlan, rows: pl.DataFrame, reached: Sequence[Reached], visitor: Numbers, zone: str
) -> tuple[Breakdown, ...]:
    """Counts the values of the breakdown, those with most visitors first; the values beyond the limit are one."""
    if plan.breakdown is None:
        return ()
    visitors, entries = _entries(plan, reached, visitor)
    value_of_visitor = plan.breakdown.texts_of(rows[entries], zone)
    values = _most_frequent(value_of_visitor, plan.report.limit)[value_of_visitor.name].to_list()
    number = {value: number for number, value in enumerate(values)}
    group = np.zeros(_size(visitor), dtype=np.int64)
    group[visitors] = [number.get(value, len(values)) for value in value_of_visitor]
    if value_of_visitor.n_unique() > len(values):
        values.append(MORE)
    counts = _counts(plan.report.steps, reached, visitor, group, len(values))
    return tuple(Breakdown(value, steps) for value, steps in zip(values, counts, strict=True))


def _trend(plan: FunnelPlan, rows: pl.DataFrame, reached: Sequence[Reached], visitor: Numbers) -> tuple[FunnelDay, ...]:
    """Counts each day of the report, in order."""
    if not plan.report.trend:
        return ()
    days = pl.date_range(plan.days[0].first, plan.days[0].last, eager=True)
    visitors, entries = _entries(plan, reached, visitor)
    group = np.zeros(_size(visitor), dtype=np.int64)
    group[visitors] = rows["day"].to_numpy()[entries] - day_number(plan.days[0].first)
    counts = _counts(plan.report.steps, reached, visitor, group, len(days))
    return tuple(FunnelDay(day, steps) for day, steps in zip(days, counts, strict=True))


def _entries(plan: FunnelPlan, reached: Sequence[Reached], visitor: Numbers) -> tuple[Numbers, Numbers]:
    """Returns the visitors who entered the funnel, each once, and the rows of the events with which they did."""
    entries = np.unique(np.concatenate([each.rows for each in reached])) if plan.report.open else reached[0].rows
    visitors, first = np.unique(visitor[entries], return_index=True)
    return visitors, entries[first]


def _next_actions(
    plan: FunnelPlan, rows: pl.DataFrame, reached: Sequence[Reached], visitor: Numbers, zone: str
) -> tuple[NextAction, ...]:
    if plan.next_action is None:
        return ()
    actions = list[NextAction]()
    for step, this in zip(plan.report.steps, reached, strict=True):
        visitors, first = np.unique(visitor[this.rows], return_index=True)
        following = this.rows[first] + 1
        goes_on = following < len(visitor)
        goes_on[goes_on] = visitor[following[goes_on]] == visitors[goes_on]
        values = plan.next_action.texts_of(rows[following[goes_on]], zone)
        values = values.extend(pl.Series([END], dtype=pl.String).new_from_index(0, int((~goes_on).sum())))
        counts = _most_frequent(values, plan.report.limit)
        actions += [NextAction(step.name, value, count) for value, count in counts.iter_rows()]
        if others := len(values) - int(counts["visitors"].sum()):
            actions.append(NextAction(step.name, MORE, others))
    return tuple(actions)


def _most_frequent(values: pl.Series, limit: int) -> pl.DataFrame:
    """Returns values and their visitors, most visitors first, values with equally many by their text."""
    return values.value_counts(name="visitors").sort("visitors", values.name, descending=[True, False]).head(limit)
