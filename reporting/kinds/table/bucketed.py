"""A report as a map over buckets of visitors and a sum: the answer is that of `run`, to the last digit.

A visitor is in one bucket only, and a session is of one visitor; so whatever a report counts is the sum of what its
buckets count, distinct visitors included. Where a metric filter leaves rows out, the totals are over the events of the
rows that are left, which only the sum can tell: then there is a second map.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
import polars as pl

from configuration.ruleset.ruleset import Ruleset, decode_ruleset, encode_ruleset
from processing.engine import Engine
from processing.segments.column_cache import ColumnCache
from processing.segments.read_view import PinnedView, ReadView
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from reporting.kinds.table.assemble import assemble, page_of
from reporting.kinds.table.plan import TablePlan, plan_table
from reporting.kinds.table.run import (
    as_one_row,
    coded_rows,
    having,
    key_names,
    labelled,
    named,
    nothing,
)
from reporting.model.report import Answer, Report
from reporting.query.aggregate import CODE, count, saturated
from reporting.query.load import load
from reporting.registry.custom import definitions_of

DECODED_BYTES: Final = 64 * 2**20


class BucketTask(msgspec.Struct, frozen=True):
    """Bucket `number` of `buckets`. `kept`: by date range, the rows that the totals are over, by CODE and keys; None:
    all.
    """

    store: str
    pinned: PinnedView
    report: Report
    today: date
    rules: bytes | None
    number: int
    buckets: int
    kept: tuple[pl.DataFrame, ...] | None = None


class ReportPart(NamedTuple):
    """What a bucket counts: by date range, the measures of each row with its keys, and those of all rows together."""

    zone: str
    currency: str
    rows: list[pl.DataFrame]
    totals: list[pl.DataFrame]


def run_in_buckets(
    report: Report, pinned: PinnedView, rules: Ruleset | None, today: date, *, store: str, engine: Engine, buckets: int
) -> Answer:
    """The answer to a report on what is pinned of the store at this address. Raises ReportError, what engines raise."""
    asked = plan_table(report, today, definitions_of(rules))
    task = BucketTask(store, pinned, report, today, encode_ruleset(rules) if rules else None, 0, buckets)
    parts = _map(engine, task)
    sums = [_added(asked, [part.rows[n] for part in parts], key_names(asked)) for n in range(len(asked.days))]
    rows = [having(asked, named(asked, each)) for each in sums]
    if asked.needs_totals and any(few.height < all.height for few, all in zip(rows, sums, strict=True)):
        parts = _map(engine, msgspec.structs.replace(task, kept=_kept(asked, sums, rows)))
    totals = [_totals(asked, [part.totals[n] for part in parts]) for n in range(len(asked.days))]
    table = _joined(asked, rows)
    return assemble(asked, page_of(asked, table), table, _joined(asked, totals), parts[0].zone, parts[0].currency)


def count_bucket(task: BucketTask) -> ReportPart:
    """Runs wherever the engine has room."""
    rules = decode_ruleset(task.rules) if task.rules else None
    view = _reader(task.store).open(task.pinned).with_rules(rules)
    asked = plan_table(task.report, task.today, definitions_of(rules))
    loaded = load([asked], _Bucket(view, task.number, task.buckets))
    coded = [coded_rows(asked, loaded.of(asked, days), view.zone) for days in asked.days]
    if task.kept:
        coded = [_only(rows, kept) for rows, kept in zip(coded, task.kept, strict=True)]
    totals = [_counted(asked, as_one_row(rows), []) for rows in coded]
    keys = key_names(asked)
    return ReportPart(
        view.zone, view.currency, [_counted(asked, rows, keys) for rows in coded] if keys else totals, totals
    )


class _Bucket:
    """A view of some visitors."""

    def __init__(self, view: ReadView, number: int, buckets: int) -> None:
        self.zone, self.currency, self.rules = view.zone, view.currency, view.rules
        self._view, self._ours = view, pl.col("visitor") % buckets == number

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        needed = list(dict.fromkeys([*columns, "visitor"]))
        return self._view.events(first, last, needed).filter(self._ours).select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        needed = list(dict.fromkeys([*columns, "visitor"]))
        return self._view.condensed(first, last, needed).filter(self._ours).select(columns)


def _map(engine: Engine, task: BucketTask) -> list[ReportPart]:
    tasks = [msgspec.structs.replace(task, number=number) for number in range(task.buckets)]
    return [part for _, part in engine.run(count_bucket, tasks)]


def _counted(asked: TablePlan, coded: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    table = count(coded, keys, asked.measures, asked.sums)
    return table.drop(CODE).with_columns(pl.col(pl.Categorical).cast(pl.String))


def _added(asked: TablePlan, tables: Sequence[pl.DataFrame], keys: Sequence[str]) -> pl.DataFrame:
    """The sums of all buckets, with a CODE of their own."""
    rows = pl.concat(tables)
    if not keys and rows.is_empty():
        return nothing(asked)
    added = rows.group_by(keys).agg(pl.all().sum()) if keys else rows.sum()
    return saturated(added, asked.sums).with_row_index(CODE)


def _totals(asked: TablePlan, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    whole = named(asked, _added(asked, tables, []))
    return whole if asked.needs_totals else whole.clear()


def _joined(asked: TablePlan, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(map(labelled, asked.days, range(len(tables)), tables))


def _kept(asked: TablePlan, sums: Sequence[pl.DataFrame], rows: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, ...]:
    pairs = zip(sums, rows, strict=True)
    return tuple(all.join(few, on=CODE, how="semi").select(CODE, *key_names(asked)) for all, few in pairs)


def _only(coded: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    keys = kept.columns[1:]
    if not keys:
        return coded if kept.height else coded.clear()
    texts = coded.with_columns(pl.col(name).cast(kept.schema[name]) for name in keys)
    return texts.join(kept, on=keys, how="semi")


@lru_cache(4)
def _reader(store: str) -> ViewCache:
    opened = open_store(store)
    return ViewCache(opened, ColumnCache(opened, DECODED_BYTES))
