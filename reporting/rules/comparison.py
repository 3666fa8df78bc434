"""Two ways to count the same days, side by side: totals, what changed most, and hits that only one of them counts.

Pure, but for the views that it reads.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple, Protocol

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.sessions.local_periods import day_start
from reporting.dashboard.panels import TABLES, TOTALS, Table
from reporting.model.report import LARGEST_LIMIT, Answer, DateRange, Report
from reporting.query import run
from reporting.query.run import run_many
from reporting.registry.custom import CHANNEL_GROUP, definitions_of
from reporting.registry.dimensions import CONTENT_GROUP

METRICS: Final = (*TOTALS, "eventCount", "keyEvents", "keyEventValue")
OWN_METRICS: Final = {CHANNEL_GROUP: "sessions", CONTENT_GROUP: "screenPageViews"}  # of others: "eventCount"
MOST_OWN: Final = 8  # of the property's own dimensions
MOST_CHANGES: Final = 10
MOST_EXAMPLES: Final = 5


class ComparedView(run.ReportSource, Protocol):
    """What a report reads, and the hits that were accepted and not counted."""

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        """At least time, position, reason, rule and content of schema.REJECTED, by event time."""


class Total(NamedTuple):
    metric: str
    before: float
    after: float


class ChangedMetric(NamedTuple):
    """A value of a dimension, and its metric before and after; 0 where it does not occur."""

    value: str
    before: float
    after: float


class TableChanges(NamedTuple):
    """`changes` are the largest; `more` says how many others there are. A dimension with very many values is compared
    by its LARGEST_LIMIT most frequent ones.
    """

    title: str
    dimension: str
    metric: str
    changes: tuple[ChangedMetric, ...]
    more: int


class ExampleHit(NamedTuple):
    time: int  # event time, ms
    content: str  # as it is kept: hostile text
    position: int


class RejectedGroup(NamedTuple):
    """Hits for one reason, by one rule ("": by none); the latest as examples."""

    reason: str
    rule: str
    hits: int
    examples: tuple[ExampleHit, ...]


class Comparison(NamedTuple):
    """Local days, both included. `rejected` are hits that were counted before and are not after; `rescued` were
    rejected before, with the reason of then, and count after. Duplicates are neither.
    """

    first: date
    last: date
    totals: tuple[Total, ...]
    tables: tuple[TableChanges, ...]
    rejected: tuple[RejectedGroup, ...]
    rescued: tuple[RejectedGroup, ...]

    @property
    def same(self) -> bool:
        numbers_same = all(total.before == total.after for total in self.totals)
        tables_same = not any(table.changes for table in self.tables)
        return numbers_same and tables_same and not self.rejected and not self.rescued


def compare(before: ComparedView, after: ComparedView, first: date, last: date) -> Comparison:
    """Each side in its own zone. Both by the dimensions that `after` has."""
    days = (DateRange(first.isoformat(), last.isoformat()),)
    tables = [*TABLES, *_own(after.rules)]
    reports = [Report(date_ranges=days, metrics=METRICS), *(_report(table, days) for table in tables)]
    was, now = (run_many(reports, _Defined(view, after.rules), last) for view in (before, after))
    old, new = (_refused(view, first, last) for view in (before, after))
    start, end = common_instants(before.zone, after.zone, first, last)
    within = pl.col("time").is_between(start, end, closed="left")
    return Comparison(
        first,
        last,
        tuple(_totals(was[0], now[0])),
        tuple(_changes(*each) for each in zip(tables, was[1:], now[1:], strict=True)),
        _groups(new.filter(within).join(old, on="position", how="anti")),
        _groups(old.filter(within).join(new, on="position", how="anti")),
    )


class _Defined:
    """A view with the definitions of other rules: what it has no values of is "(not set)"."""

    def __init__(self, view: run.ReportSource, rules: Ruleset | None) -> None:
        self.events, self.condensed = view.events, view.condensed
        self.zone, self.currency, self.rules = view.zone, view.currency, rules


def common_instants(zone: str, other: str, first: date, last: date) -> tuple[int, int]:
    """The instants (ms) that the days have in both zones."""
    after = last + timedelta(days=1)
    return (
        max(day_start(first, each) for each in (zone, other)),
        min(day_start(after, each) for each in (zone, other)),
    )


def _own(rules: Ruleset | None) -> list[Table]:
    """Tables by the property's own dimensions."""
    names = [name for name in definitions_of(rules).dimensions if ":" in name]
    return [
        Table(name, definitions_of(rules).dimensions[name].label, name, (OWN_METRICS.get(_family(name), "eventCount"),))
        for name in names[:MOST_OWN]
    ]


def _family(name: str) -> str:
    return name.partition(":")[0]


def _report(table: Table, days: tuple[DateRange, ...]) -> Report:
    return Report(
        date_ranges=days, dimensions=(table.dimension,), metrics=(table.metrics[0],), limit=LARGEST_LIMIT
    )  # fmt: skip


def _totals(was: Answer, now: Answer) -> Iterator[Total]:
    for number, metric in enumerate(METRICS):
        yield Total(metric, *(answer.rows[0].metrics[number] if answer.rows else 0 for answer in (was, now)))


def _changes(table: Table, was: Answer, now: Answer) -> TableChanges:
    old, new = ({row.dimensions[0]: row.metrics[0] for row in answer.rows} for answer in (was, now))
    both = [ChangedMetric(value, old.get(value, 0), new.get(value, 0)) for value in {**old, **new}]
    changed = [each for each in both if each.before != each.after]
    changed.sort(key=lambda each: (-abs(each.after - each.before), each.value))
    largest = tuple(changed[:MOST_CHANGES])
    return TableChanges(table.title, table.dimension, table.metrics[0], largest, len(changed) - len(largest))


def _refused(view: ComparedView, first: date, last: date) -> pl.DataFrame:
    """A day more at both ends: another zone cuts the days elsewhere."""
    rows = view.rejected(first - timedelta(days=1), last + timedelta(days=1))
    return rows.filter(pl.col("reason") != "duplicate").select("time", "position", "reason", "rule", "content")


def _groups(rows: pl.DataFrame) -> tuple[RejectedGroup, ...]:
    """The most frequent first."""
    named = rows.with_columns(pl.col("reason", "rule").cast(pl.String).fill_null(""))
    parts = named.partition_by("reason", "rule", as_dict=True)
    found = [
        RejectedGroup(str(reason), str(rule), part.height, _examples(part)) for (reason, rule), part in parts.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.hits, each.reason, each.rule)))


def _examples(rows: pl.DataFrame) -> tuple[ExampleHit, ...]:
    latest = rows.top_k(MOST_EXAMPLES, by=["time", "position"]).select("time", "content", "position")
    return tuple(ExampleHit(time, content or "", position) for time, content, position in latest.iter_rows())
