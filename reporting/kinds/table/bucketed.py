"""Counts a table as a map over buckets of visitors and a sum: the answer is that of `run_table`, to the last digit.

A visitor is in one bucket only, and a session has one visitor, so every count is the sum of the buckets' counts,
distinct visitors included. Quantiles and shares of all rows do not add up: a report with one is counted in one place.

    bucket   country   visitors          country   visitors
    0        France    3                 France    5
    1        France    2            ->   Spain     1
    1        Spain     1

If a metric filter leaves rows out, the totals are over the events of the rows that remain. These rows are known only
after the sum, so there is a second map.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
import polars as pl

from configuration.exchange_rates import NO_RATES, Rates
from configuration.ruleset.ruleset import Ruleset, decode_ruleset, encode_ruleset
from processing.engine import Engine
from processing.segments.column_cache import ColumnCache
from processing.segments.read_view import PinnedView, ReadView
from processing.segments.view_cache import ViewCache
from processing.sessions.first_sightings import FirstSightings, Sighting
from processing.store import open_store
from reporting.kinds.table.assemble import assemble, page_of
from reporting.kinds.table.intervals import with_empty_intervals
from reporting.kinds.table.parts import parts_of, stack_parts
from reporting.kinds.table.plan import TablePlan, plan_table
from reporting.kinds.table.run import coded_parts
from reporting.model.audience import AudienceReport
from reporting.model.date_ranges import Days
from reporting.model.limits import DEFAULT_LIMITS
from reporting.model.now import Now
from reporting.model.report import Answer, Report
from reporting.query.aggregate import CODE, saturated
from reporting.query.audience_groups import Group, plan_groups
from reporting.query.counted_rows import (
    filter_by_metrics,
    key_names,
    report_rows,
    with_one_code,
    zero_row,
)
from reporting.query.load import load
from reporting.query.trailing import count_with_days_before
from reporting.registry.custom import definitions_of
from reporting.registry.measures import is_additive

DECODED_BYTES: Final = 64 * 2**20


class BucketTask(msgspec.Struct, frozen=True):
    """Counts bucket `number` of `buckets`. `kept` has for each date range the CODE and keys of the rows that the totals
    are over; None: all rows.
    """

    store: str
    pinned: PinnedView
    asked: AudienceReport
    now: Now
    rules: bytes | None
    rates: Rates
    number: int
    buckets: int
    kept: tuple[pl.DataFrame, ...] | None = None


class BucketCounts(NamedTuple):
    """The counts of a bucket, by part: those of each row, with its keys, and those of all rows together."""

    zone: str
    currency: str
    rows: list[pl.DataFrame]
    totals: list[pl.DataFrame]


def run_in_buckets(
    report: Report | AudienceReport,
    pinned: PinnedView,
    rules: Ruleset | None,
    now: Now,
    *,
    store: str,
    engine: Engine,
    buckets: int,
    rates: Rates = NO_RATES,
) -> Answer:
    """Answers a report on the pinned state of the store at this address. Raises ReportError, and what engines raise."""
    asked = report if isinstance(report, AudienceReport) else AudienceReport(report)
    plan, _ = _planned(asked, now, rules)
    if not all(is_additive(measure) for measure in plan.fields.measures):
        buckets = 1  # in one place: the buckets' answers do not add up
    task = BucketTask(store, pinned, asked, now, encode_ruleset(rules) if rules else None, rates, 0, buckets)
    parts = _map(engine, task)
    places = parts_of(plan)
    sums = [_added(plan, [part.rows[n] for part in parts], key_names(plan.fields)) for n in range(len(places))]
    tables = [
        with_empty_intervals(plan, report_rows(plan.fields, counted), place.days, parts[0].zone)
        for counted, place in zip(sums, places, strict=True)
    ]
    rows = [filter_by_metrics(plan.fields, table) for table in tables]
    if plan.needs_totals and any(few.height < table.height for few, table in zip(rows, tables, strict=True)):
        row_id, pairs = [CODE, *key_names(plan.fields)], zip(sums, rows, strict=True)
        kept = tuple(counted.join(remaining, on=CODE, how="semi").select(row_id) for counted, remaining in pairs)
        parts = _map(engine, msgspec.structs.replace(task, kept=kept))
    totals = [
        report_rows(plan.fields, _added(plan, [part.totals[n] for part in parts], [])) for n in range(len(places))
    ]
    table, zone, currency = stack_parts(plan, rows), parts[0].zone, parts[0].currency
    return assemble(plan, page_of(plan, table), table, stack_parts(plan, totals), zone, currency)


def count_bucket(task: BucketTask) -> BucketCounts:
    """Counts one bucket, in whichever process the engine chooses."""
    rules = decode_ruleset(task.rules) if task.rules else None
    view = _view_cache(task.store).open(task.pinned).with_rules(rules).with_rates(task.rates)
    plan, groups = _planned(task.asked, task.now, rules)
    reads = [each for group in groups for each in group.reads(plan)]
    loaded = load(reads, _Bucket(view, task.number, task.buckets))
    ranges = coded_parts(plan, [group.rows(loaded) for group in groups])
    if task.kept:
        ranges = [_only(coded, kept) for coded, kept in zip(ranges, task.kept, strict=True)]
    keys = key_names(plan.fields)
    parts = [(coded, part.days) for coded, part in zip(ranges, parts_of(plan), strict=True)]
    totals = [_counted(plan, with_one_code(coded), [], days) for coded, days in parts]
    rows = [_counted(plan, coded, keys, days) for coded, days in parts] if keys else totals
    return BucketCounts(view.zone, view.currency, rows, totals)


def _planned(asked: AudienceReport, now: Now, rules: Ruleset | None) -> tuple[TablePlan, tuple[Group, ...]]:
    definitions = definitions_of(rules)
    plan = plan_table(asked.report, now, definitions)
    groups = plan_groups(asked, plan.days, definitions, DEFAULT_LIMITS)
    return plan._replace(comparisons=tuple(each.name for each in asked.comparisons)), groups


class _Bucket:
    """A view of the visitors of one bucket."""

    def __init__(self, view: ReadView, number: int, buckets: int) -> None:
        self.zone, self.currency, self.rules, self.rates = view.zone, view.currency, view.rules, view.rates
        self._view, self._in_bucket = view, pl.col("visitor") % buckets == number

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self._view.events(first, last, _with_visitor(columns)).filter(self._in_bucket).select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self._view.condensed(first, last, _with_visitor(columns)).filter(self._in_bucket).select(columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return self._view.first_sightings(kind)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self._view.items(first, last, _with_visitor(columns)).filter(self._in_bucket).select(columns)


def _with_visitor(columns: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*columns, "visitor"]))


def _map(engine: Engine, task: BucketTask) -> list[BucketCounts]:
    tasks = [msgspec.structs.replace(task, number=number) for number in range(task.buckets)]
    return [counts for _, counts in engine.run(count_bucket, tasks)]


def _counted(plan: TablePlan, coded: pl.DataFrame, keys: Sequence[str], days: Days) -> pl.DataFrame:
    """Counts without the codes and categories of this bucket, which mean nothing in another process."""
    table = count_with_days_before(plan.fields, coded, keys, days, plan.most_rows)
    return table.drop(CODE).with_columns(pl.col(pl.Categorical).cast(pl.String))


def _added(plan: TablePlan, tables: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    """Adds up the counts of all buckets, and gives the rows a new CODE."""
    rows = pl.concat(table.select(tables[0].columns) for table in tables)  # a bucket without rows has another order
    if not keys and rows.is_empty():
        return zero_row(plan.fields).with_columns(pl.col(CODE).cast(pl.UInt32))
    added = rows.group_by(keys).agg(pl.all().sum()) if keys else rows.sum()
    return saturated(added, plan.fields.measures).with_row_index(CODE)


def _only(coded: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """Keeps the coded rows whose keys are among those of `kept`."""
    keys = kept.columns[1:]
    if not keys:
        return coded if kept.height else coded.clear()
    texts = coded.with_columns(pl.col(name).cast(kept.schema[name]) for name in keys)
    return texts.join(kept, on=keys, how="semi")


@lru_cache(4)
def _view_cache(store: str) -> ViewCache:
    opened = open_store(store)
    return ViewCache(opened, ColumnCache(opened, DECODED_BYTES))
