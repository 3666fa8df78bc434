"""Two ways to count the same days, side by side: totals, the largest changes, and hits that only one of them counts.

Pure, but for the views that it reads. The API writes the fields of these tuples as they are called here.
"""

from collections.abc import Callable
from datetime import date
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.sessions.local_periods import FIRST_DAY, LAST_DAY, bounds, day_number, day_of
from reporting.dashboard.page_request import TOTALS
from reporting.dashboard.panel_tabs import Tab
from reporting.kinds import run_many
from reporting.model.now import Now
from reporting.model.report import LARGEST_LIMIT, Answer, DateRange, Report
from reporting.query.load import ReportSource
from reporting.registry.custom import CHANNEL_GROUP, definitions_of
from reporting.registry.dimensions.page import CONTENT_GROUP

METRICS: Final = (*TOTALS, "eventCount", "keyEventValue")
TABLES: Final = (
    Tab("pages", "Pages", "pagePath", ("screenPageViews",)),
    Tab("sources", "Sources", "sessionSourceMedium", ("sessions",)),
    Tab("channels", "Channels", "sessionDefaultChannelGroup", ("sessions",)),
    Tab("browsers", "Browsers", "browser", ("totalUsers",)),
    Tab("countries", "Countries", "country", ("totalUsers",)),
    Tab("devices", "Devices", "deviceCategory", ("totalUsers",)),
    Tab("events", "Events", "eventName", ("eventCount",)),
)
CUSTOM_TABLE_METRICS: Final = {CHANNEL_GROUP: "sessions", CONTENT_GROUP: "screenPageViews"}  # else "eventCount"
MOST_CUSTOM_TABLES: Final = 8
MOST_CHANGES: Final = 10
MOST_EXAMPLES: Final = 5

T = TypeVar("T")
U = TypeVar("U")


class Pair(NamedTuple, Generic[T]):
    """One thing under the rules before, and the same under those after."""

    before: T
    after: T

    def map(self, function: Callable[[T], U]) -> "Pair[U]":
        return Pair(function(self.before), function(self.after))


class ComparedView(ReportSource, Protocol):
    """What a report reads, and the hits that were accepted and not counted."""

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        """At least time, position, reason and rule of schema.REJECTED, by event time."""

    def with_content(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Adds `content` to a few rows of `rejected`."""


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
    """The largest `changes` of a table; `more` is the number of smaller ones. A dimension with very many values is
    compared by its LARGEST_LIMIT most frequent ones.
    """

    title: str
    dimension: str
    metric: str
    changes: tuple[ChangedMetric, ...]
    more: int


class ExampleHit(NamedTuple):
    time: int  # event time, ms
    content: str  # as it was sent: hostile text
    position: int


class RejectedGroup(NamedTuple):
    """Hits that were rejected for one reason, by one rule ("" if by none); the latest as examples."""

    reason: str
    rule: str
    hits: int
    examples: tuple[ExampleHit, ...]


class Comparison(NamedTuple):
    """Local days, both included. `rejected` hits were counted before and are not after; `rescued` hits were rejected
    before, for the reason of their group, and count after. Duplicates are neither.
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


def compare(views: Pair[ComparedView], *, first: date, last: date) -> Comparison:
    """Compares these local days, each view in its own zone, by the dimensions that the rules after define."""
    rules = views.after.rules
    tables = [*TABLES, *_custom_tables(rules)]
    days = (DateRange(first.isoformat(), last.isoformat()),)
    reports = [Report(date_ranges=days, metrics=METRICS)] + [
        Report(date_ranges=days, dimensions=(table.dimension,), metrics=(table.metrics[0],), limit=LARGEST_LIMIT)
        for table in tables
    ]
    answers = views.map(lambda view: run_many(reports, _WithRules(view, rules), Now.at_end_of(last, view.zone)))
    totals, *by_dimension = (Pair(*both) for both in zip(*answers, strict=True))
    start, end = common_instants(views.map(lambda view: view.zone), first, last)
    rejected = views.map(lambda view: _rejected(view, first, last))
    within = pl.col("time").is_between(start, end, closed="left")
    return Comparison(
        first,
        last,
        _totals(totals),
        tuple(_changes(table, both) for table, both in zip(tables, by_dimension, strict=True)),
        rejected=_groups(views.after, rejected.after.filter(within).join(rejected.before, on="position", how="anti")),
        rescued=_groups(views.before, rejected.before.filter(within).join(rejected.after, on="position", how="anti")),
    )


def common_instants(zones: Pair[str], first: date, last: date) -> tuple[int, int]:
    """Returns the half-open span (ms) that belongs to the local days in both zones.

    For 20 November in UTC and in Berlin: 00:00 to 23:00 UTC, since Berlin's day is 23:00 to 23:00 UTC.
    """
    starts, ends = zip(*(bounds(first, last, zone) for zone in zones), strict=True)
    return max(starts), min(ends)


class _WithRules:
    """A view with the definitions of other rules: a dimension that it has no values of is "(not set)"."""

    def __init__(self, view: ReportSource, rules: Ruleset | None) -> None:
        self.events, self.condensed, self.first_sightings = view.events, view.condensed, view.first_sightings
        self.items, self.rates = view.items, view.rates
        self.zone, self.currency, self.rules = view.zone, view.currency, rules


def _custom_tables(rules: Ruleset | None) -> list[Tab]:
    """Tables by the property's own dimensions."""
    dimensions = definitions_of(rules).dimensions
    names = [name for name in dimensions if ":" in name][:MOST_CUSTOM_TABLES]
    metrics = [CUSTOM_TABLE_METRICS.get(name.partition(":")[0], "eventCount") for name in names]
    return [Tab(name, dimensions[name].label, name, (metric,)) for name, metric in zip(names, metrics, strict=True)]


def _totals(answers: Pair[Answer]) -> tuple[Total, ...]:
    values = answers.map(lambda answer: answer.rows[0].metrics if answer.rows else [0.0] * len(METRICS))
    return tuple(Total(*row) for row in zip(METRICS, values.before, values.after, strict=True))


def _changes(table: Tab, answers: Pair[Answer]) -> TableChanges:
    values = answers.map(lambda answer: {row.dimensions[0]: row.metrics[0] for row in answer.rows})
    changes = [
        ChangedMetric(value, values.before.get(value, 0), values.after.get(value, 0))
        for value in {**values.before, **values.after}
        if values.before.get(value, 0) != values.after.get(value, 0)
    ]
    changes.sort(key=lambda change: (-abs(change.after - change.before), change.value))
    largest = tuple(changes[:MOST_CHANGES])
    return TableChanges(table.title, table.dimension, table.metrics[0], largest, len(changes) - len(largest))


def _rejected(view: ComparedView, first: date, last: date) -> pl.DataFrame:
    """Returns the rejected hits of the days and of one more at both ends, since another zone cuts the days
    elsewhere.
    """
    first = day_of(max(day_number(first) - 1, FIRST_DAY))
    rows = view.rejected(first, day_of(min(day_number(last) + 1, LAST_DAY)))
    return rows.filter(pl.col("reason") != "duplicate").select("time", "position", "reason", "rule")


def _groups(view: ComparedView, rows: pl.DataFrame) -> tuple[RejectedGroup, ...]:
    """Returns the groups, the most frequent first. Content is read of the examples of all groups together."""
    rows = rows.with_columns(pl.col("reason", "rule").cast(pl.String).fill_null(""))
    groups = rows.partition_by("reason", "rule", as_dict=True)
    latest = [group.top_k(MOST_EXAMPLES, by=["time", "position"]) for group in groups.values()]
    examples = view.with_content(pl.concat([rows.clear(), *latest]))
    found = [
        RejectedGroup(str(reason), str(rule), group.height, _examples(examples, reason, rule))
        for (reason, rule), group in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: (-group.hits, group.reason, group.rule)))


def _examples(examples: pl.DataFrame, reason: object, rule: object) -> tuple[ExampleHit, ...]:
    of_group = examples.filter((pl.col("reason") == reason) & (pl.col("rule") == rule))
    rows = of_group.select("time", "content", "position").iter_rows()
    return tuple(ExampleHit(time, content or "", position) for time, content, position in rows)
