"""Two ways to count the same days, side by side."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from configuration.exchange_rates import NO_RATES
from processing.schema import BUILT, LISTED, REJECTED
from processing.sessions.condensed import condensed_rows, source_columns
from processing.sessions.first_sightings import FirstSightings, Sighting, sightings_of
from processing.sessions.local_periods import day_number
from reporting.rules.comparison import (
    MOST_CHANGES,
    MOST_EXAMPLES,
    ChangedMetric,
    ComparedView,
    Comparison,
    ExampleHit,
    Pair,
    RejectedGroup,
    Total,
    compare,
)

DAY = date(2026, 11, 20)
NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)
HOUR = 3_600_000


class Fixed:
    """A view of rows that a test writes."""

    currency, rules, rates = "EUR", None, NO_RATES

    def __init__(self, events: Sequence[dict[str, Any]], rejected: Sequence[dict[str, Any]] = (), zone: str = "UTC"):
        plain = {name: 0 if kind.is_numeric() else None for name, kind in BUILT.items()}
        flags = {"page_view": True, "key": False, "active": True, "engaged": False}
        rows = [{**plain, **flags, "day": day_number(DAY), **event} for event in events]
        self.zone = zone
        self.rows = pl.DataFrame(rows, schema=BUILT).with_columns(pl.col(pl.String).cast(pl.Categorical))
        self.refused = pl.DataFrame([dict.fromkeys(REJECTED) | row for row in rejected], schema=REJECTED)

    def events(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self.rows.filter(pl.col("day").is_between(day_number(first), day_number(last))).select(columns)

    def items(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return self.rows.clear().select(columns)

    def condensed(self, first: date, last: date, columns: Sequence[str]) -> pl.DataFrame:
        return condensed_rows(self.events(first, last, source_columns(columns)), columns)

    def first_sightings(self, kind: Sighting) -> FirstSightings:
        return sightings_of(self.rows, kind)

    def rejected(self, first: date, last: date) -> pl.DataFrame:
        return self.refused.select(*LISTED)

    def with_content(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.join(self.refused.select("position", "content"), on="position", how="left", maintain_order="left")


def view(position: int, path: str = "/a", **more: Any) -> dict[str, Any]:
    return {"position": position, "visitor": position, "session": position, "path": path, "event": "page_view", **more}


def refused(position: int, reason: str = "filter", rule: str | None = "Office", time: int = NOON) -> dict[str, Any]:
    return {"position": position, "time": time, "reason": reason, "rule": rule, "content": f"en=x&n={position}"}


def on_the_day(before: Fixed, after: Fixed) -> Comparison:
    return compare(Pair[ComparedView](before, after), first=DAY, last=DAY)


def totals(found: Comparison) -> dict[str, Total]:
    return {total.metric: total for total in found.totals}


def test_it_works() -> None:
    before = Fixed([view(1), view(2), view(3, "/b")])
    after = Fixed([view(1), view(3, "/b")], [refused(2)])
    found = on_the_day(before, after)
    assert totals(found)["screenPageViews"] == ("screenPageViews", 3, 2)
    pages = next(table for table in found.tables if table.dimension == "pagePath")
    assert pages.changes == (ChangedMetric("/a", 2, 1),)
    assert found.rejected == (RejectedGroup("filter", "Office", 1, (ExampleHit(NOON, "en=x&n=2", 2),)),)
    assert (found.rescued, found.same) == ((), False)


def test_nothing_changed() -> None:
    one = Fixed([view(1)], [refused(2)])
    assert on_the_day(one, one).same


def test_values_that_come_and_go() -> None:
    found = on_the_day(Fixed([view(1, "/old")]), Fixed([view(1, "/new"), view(2, "/new")]))
    pages = next(table for table in found.tables if table.dimension == "pagePath")
    assert pages.changes == (("/new", 0, 2), ("/old", 1, 0))


def test_the_largest_changes_come_first_and_the_others_are_counted() -> None:
    before = [view(100 * page + n, f"/{page:02}") for page in range(15) for n in range(page)]
    found = on_the_day(Fixed(before), Fixed([]))
    pages = next(table for table in found.tables if table.dimension == "pagePath")
    assert [change.value for change in pages.changes] == [f"/{page:02}" for page in range(14, 4, -1)]
    assert (len(pages.changes), pages.more) == (MOST_CHANGES, 4)


def test_rejected_and_rescued_by_reason_and_rule() -> None:
    before = Fixed([view(1), view(2)], [refused(3, "bot", None), refused(4, "spam", "Ads"), refused(5)])
    after = Fixed([view(3), view(4)], [refused(1), refused(2, rule="Intranet"), refused(5, rule="Intranet")])
    found = on_the_day(before, after)
    assert [(each.reason, each.rule, each.hits) for each in found.rejected] == [
        ("filter", "Intranet", 1),
        ("filter", "Office", 1),
    ]
    assert [(each.reason, each.rule, each.hits) for each in found.rescued] == [("bot", "", 1), ("spam", "Ads", 1)]


def test_duplicates_are_neither_rejected_nor_rescued() -> None:
    found = on_the_day(Fixed([], [refused(1, "duplicate", None)]), Fixed([], [refused(2, "duplicate", None)]))
    assert (found.rejected, found.rescued) == ((), ())


def test_the_latest_few_are_the_examples() -> None:
    hits = [refused(n, time=NOON + n) for n in range(9)]
    (group,) = on_the_day(Fixed([]), Fixed([], hits)).rejected
    assert (group.hits, [each.position for each in group.examples]) == (9, [8, 7, 6, 5, 4])
    assert len(group.examples) == MOST_EXAMPLES


@pytest.mark.parametrize(("hour", "hits"), [(-2, 0), (0, 1), (22, 1), (23, 0)])
def test_where_the_zones_cut_days_differently_only_common_hours_count(hour: int, hits: int) -> None:
    """A hit that another zone puts on another day is not refused by anybody."""
    midnight = NOON - 12 * HOUR
    after = Fixed([], [refused(1, time=midnight + hour * HOUR)], zone="Europe/Berlin")
    found = on_the_day(Fixed([view(1)]), after)
    assert sum(group.hits for group in found.rejected) == hits


def test_days_of_the_report() -> None:
    other = Fixed([view(1, day=day_number(DAY - timedelta(days=1)))])
    assert totals(on_the_day(other, Fixed([])))["screenPageViews"].before == 0
