"""Runs reports: exact, and with the same answer for the same events in any order."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Final, NamedTuple, Protocol

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.sessions.condensed import EVENT_COUNT, RowSource, uncondensed
from processing.sessions.local_periods import day_number
from reporting.kinds.table.assemble import DIMENSION, METRIC, RANGE, RANGE_NAME, ReportPage, assemble, page_of
from reporting.kinds.table.plan import Plan, plan
from reporting.model.date_ranges import Days
from reporting.model.report import Answer, Leaf, Report
from reporting.query.aggregate import CODE, measure, nonzero_flags, with_code
from reporting.query.distinct import numbered
from reporting.query.filters import combine, matches, numeric
from reporting.registry.custom import definitions_of
from reporting.registry.metrics import Metric


class ReportSource(Protocol):
    """The events of one property under one generation, as they are at one moment."""

    @property
    def zone(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def rules(self) -> Ruleset | None:
        """The newest of the property, which say what reports it has of its own; None: none."""

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of schema.BUILT for the local days first..last; texts are String or Categorical."""

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        """The named columns of CONDENSED, of the same events; texts are String or Categorical."""


class LoadedRange(NamedTuple):
    """The rows that the reports on these days count: events, or condensed rows; each only if a report needs it."""

    first: date
    last: date
    events: pl.DataFrame
    condensed: pl.DataFrame


_ONE_ROW: Final = 0
THREADS: Final = 2  # most of a small report runs on one core, so that two at a time are quicker


def run(report: Report, view: ReportSource, today: date) -> Answer:
    """The answer to one report; `today` is the property's local day. Raises ReportError."""
    return run_many([report], view, today)[0]


def run_many(reports: Sequence[Report], view: ReportSource, today: date) -> list[Answer]:
    """The answers to several reports, which read the events of common days once. Raises ReportError."""
    definitions = definitions_of(view.rules)
    plans = [plan(report, today, definitions) for report in reports]
    spans = read_spans(plans, view)
    if len(plans) == 1:
        return [_answer(plans[0], spans, view)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda each: _answer(each, spans, view), plans))


def read_spans(plans: Sequence[Plan], view: ReportSource) -> list[LoadedRange]:
    days = _joined(sorted((days.first, days.last) for each in plans for days in each.days))
    return [_read_span(plans, first, last, view) for first, last in days]


def _read_span(plans: Sequence[Plan], first: date, last: date, view: ReportSource) -> LoadedRange:
    """Only the columns that the reports on these days need."""
    here = [each for each in plans if any(first <= days.first <= last for days in each.days)]
    of_events = _columns([each for each in here if each.row_source is RowSource.EVENTS])
    of_condensed = _columns([each for each in here if each.row_source is RowSource.CONDENSED])
    events = numbered(uncondensed(view.events(first, last, of_events))) if of_events else pl.DataFrame()
    condensed = numbered(view.condensed(first, last, [*of_condensed, EVENT_COUNT])) if of_condensed else pl.DataFrame()
    return LoadedRange(first, last, events, condensed)


def _columns(plans: Sequence[Plan]) -> list[str]:
    return sorted({column for each in plans for column in each.columns})


def _joined(ranges: Sequence[tuple[date, date]]) -> list[tuple[date, date]]:
    """Ranges, ordered by their first day, with those that overlap made one."""
    joined: list[tuple[date, date]] = []
    for first, last in ranges:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _answer(asked: Plan, spans: Sequence[LoadedRange], view: ReportSource) -> Answer:
    coded = [coded_rows(asked, rows_of(asked, days, spans), view.zone) for days in asked.days]
    if asked.page_first:
        rows = _labelled(asked, map(partial(_signs, asked), coded))
        totals = _labelled(asked, map(partial(_totals, asked), coded))
        page = _counted(asked, coded, page_of(asked, rows))
    else:
        tables = [_range_table(asked, each) for each in coded]
        rows, totals = (_labelled(asked, each) for each in zip(*tables, strict=True))
        page = page_of(asked, rows)
    return assemble(asked, page, rows, totals, view.zone, view.currency)


def _counted(asked: Plan, coded: Sequence[pl.DataFrame], page: ReportPage) -> ReportPage:
    """The page, of which only sums and signs are known, with everything counted."""
    of_ranges = [page.rows.filter(pl.col(RANGE) == number) for number in range(len(coded))]
    few = [rows.filter(pl.col(CODE).is_in(there[CODE].implode())) for rows, there in zip(coded, of_ranges, strict=True)]
    counted = _labelled(asked, [_measured(asked, rows) for rows in few])
    place = [RANGE, CODE]
    return ReportPage(
        page.rows.select(place).join(counted, on=place, how="left", maintain_order="left"), page.row_count
    )


def rows_of(asked: Plan, days: Days, spans: Sequence[LoadedRange]) -> pl.DataFrame:
    span = next(each for each in spans if each.first <= days.first and days.last <= each.last)
    rows = span.condensed if asked.row_source is RowSource.CONDENSED else span.events
    if (span.first, span.last) == (days.first, days.last):
        return rows
    return rows.filter(pl.col("day").is_between(day_number(days.first), day_number(days.last)))


def _range_table(asked: Plan, coded: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of one date range, and its totals (one row)."""
    everything = _totals(asked, coded)
    counted = _measured(asked, coded) if asked.dimensions else everything
    rows = having(asked, counted)
    few = rows.height < counted.height
    return rows, _totals(asked, coded.join(rows, on=CODE, how="semi")) if few else everything


def _measured(asked: Plan, coded: pl.DataFrame) -> pl.DataFrame:
    return named(asked, measure(coded, key_names(asked), asked.measures, asked.sums))


def _signs(asked: Plan, coded: pl.DataFrame) -> pl.DataFrame:
    return named(asked, nonzero_flags(coded, key_names(asked), asked.measures, asked.sums))


def _labelled(asked: Plan, tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(
        labelled(days, number, each) for number, (days, each) in enumerate(zip(asked.days, tables, strict=True))
    )


def labelled(days: Days, number: int, table: pl.DataFrame) -> pl.DataFrame:
    """With the date range beside each row."""
    return table.with_columns(pl.lit(number).alias(RANGE), pl.lit(days.name).alias(RANGE_NAME))


def key_names(asked: Plan) -> list[str]:
    return [f"key {n}" for n in range(len(asked.dimensions))]


def coded_rows(asked: Plan, events: pl.DataFrame, zone: str) -> pl.DataFrame:
    """The rows that the report counts, with a key for each of its dimensions, and CODE."""
    keys = [each.key(zone).alias(name) for name, each in zip(key_names(asked), asked.dimensions, strict=True)]
    return with_code(_filtered(asked, events, zone).with_columns(keys), key_names(asked))


def as_one_row(coded: pl.DataFrame) -> pl.DataFrame:
    """The same CODE for all of them."""
    return coded.with_columns(pl.lit(_ONE_ROW, dtype=pl.UInt64).alias(CODE))


def _filtered(asked: Plan, events: pl.DataFrame, zone: str) -> pl.DataFrame:
    tree = asked.report.dimension_filter
    if tree is None:
        return events

    def condition(leaf: Leaf) -> pl.Expr:
        dimension = asked.filtered[leaf.field]
        distinct = events.select(dimension.key(zone).alias("key")).unique()
        texts = distinct.select(dimension.text(pl.col("key"))).to_series()
        return dimension.key(zone).is_in(distinct["key"].filter(matches(leaf, texts)).implode())

    return events.filter(combine(tree, condition))


def having(asked: Plan, table: pl.DataFrame) -> pl.DataFrame:
    tree = asked.report.metric_filter
    if tree is None:
        return table
    return table.filter(combine(tree, lambda leaf: numeric(leaf, pl.col(METRIC + leaf.field))))


def _totals(asked: Plan, coded: pl.DataFrame) -> pl.DataFrame:
    """One row: the metrics over all events, not sums of the rows, since a visitor may be in several."""
    if not asked.needs_totals:
        return named(asked, nothing(asked)).clear()
    table = measure(as_one_row(coded), [], asked.measures, asked.sums)
    return named(asked, table if table.height else nothing(asked))


def nothing(asked: Plan) -> pl.DataFrame:
    names = [*asked.measures, *(each.name for each in asked.sums)]
    zeros = [pl.lit(0, dtype=pl.Int64).alias(name) for name in names]
    return pl.DataFrame({CODE: [_ONE_ROW]}, schema={CODE: pl.UInt64}).with_columns(zeros)


def named(asked: Plan, table: pl.DataFrame) -> pl.DataFrame:
    """CODE, the dimensions as text, the metrics by name."""
    keyed = "key 0" in table.columns
    texts = [each.text(pl.col(f"key {n}")).alias(f"{DIMENSION}{n}") for n, each in enumerate(asked.dimensions) if keyed]
    return table.select(CODE, *texts, *(_value(metric).alias(METRIC + metric.name) for metric in asked.all_metrics))


def _value(metric: Metric) -> pl.Expr:
    return metric.value.cast(pl.Int64 if metric.type == "INTEGER" else pl.Float64)
