"""First sightings: for each key, such as a visitor, the first event in the history of the property.

The first event is the one with the least (time, hit, index, visitor), so that neither order nor batching of arrival
matters. A kind of sighting says what its keys are and which columns of the first event it keeps. Layers have one row
for each key and visitor: a layer hides all rows of its visitors in the layers below, so that it hides their sightings
as well, and what is shown of several layers and periods is merged by the minimum.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Final, NamedTuple

import polars as pl

from processing.schema import BUILT, Schema
from processing.sessions.condensed import STEADY

ORDER: Final = ("time", "hit", "index", "visitor")  # the least is the first


class Sighting(NamedTuple):
    """A kind of first sighting. `section` names its rows in segments: give it another name if anything here changes,
    and rows that were stored under the old name are computed again.
    """

    section: str
    key: str  # a column of integers in BUILT; null is no key
    facts: tuple[str, ...] = ()  # columns of BUILT that are kept
    where: pl.Expr | None = None  # a condition on events
    # Columns that order the first events of different layers. All events of a hit have one time, so that a visitor's
    # events of one day are in one layer: for keys of one visitor, "day" is enough.
    order: tuple[str, ...] = ORDER

    @property
    def columns(self) -> list[str]:
        """The columns of its rows."""
        return list(dict.fromkeys(["visitor", self.key, *self.order, *self.facts]))

    @property
    def schema(self) -> Schema:
        return {name: BUILT[name] for name in self.columns}

    @property
    def is_condensed(self) -> bool:
        """Whether its rows are among the condensed rows of segments, which are in ORDER: it needs no section there."""
        return self.where is None and self.key == "visitor" and set(self.columns) <= set(STEADY)

    @property
    def search_columns(self) -> list[str]:
        """The columns of events that say which of them are the first."""
        needs = [] if self.where is None else self.where.meta.root_names()
        return list(dict.fromkeys(["visitor", self.key, *ORDER, *needs]))

    @property
    def source_columns(self) -> list[str]:
        """The columns of events that its rows are made of."""
        return list(dict.fromkeys([*self.columns, *self.search_columns]))


# The visitor's first event, with its session.
VISITORS: Final = Sighting(
    "first_visitors",
    "visitor",
    ("session", "session_source", "session_medium", "session_campaign", "session_channel", "session_groups"),
    order=("day",),
)
# The visitor's first purchase.
PURCHASES: Final = Sighting("first_purchases", "visitor", where=pl.col("event") == "purchase")
# The first purchase of each order that has an id.
ORDERS: Final = Sighting("first_orders", "order_key")
SIGHTINGS: Final = (VISITORS, PURCHASES, ORDERS)
_TEXT: Final = pl.col(pl.String).cast(pl.Categorical)


def first_sightings(events: pl.DataFrame, kind: Sighting) -> pl.DataFrame:
    """Events with the kind's source columns -> its rows: the first event of each key and visitor."""
    return events[first_rows(events, kind)].select(kind.columns)


def first_rows(events: pl.DataFrame, kind: Sighting) -> pl.Series:
    """Returns the numbers of the first events of each key and visitor, by key and visitor."""
    searched = events.lazy().select(*kind.search_columns).with_row_index("row")
    if kind.where is not None:
        searched = searched.filter(kind.where.fill_null(value=False))
    id = list(dict.fromkeys([kind.key, "visitor"]))
    # An event that comes after another one of the same key and visitor cannot be the first. Where events are in order
    # of visitor and time, as in segments, few are left to sort.
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in id)
    later = same & _is_after_the_row_before()
    left = searched.filter(pl.col(kind.key).is_not_null() & ~later.fill_null(value=False))
    ordered = left.sort(*id, *ORDER).unique(id, keep="first", maintain_order=True)
    return ordered.select("row").collect().to_series()


def first_of_condensed(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns the first row of each visitor, of condensed rows whose events are in ORDER."""
    return rows.filter(pl.col("visitor").ne_missing(pl.col("visitor").shift()))


def merge_sightings(frames: Sequence[pl.DataFrame], kind: Sighting) -> pl.DataFrame:
    """Merges rows of a kind: the first of each key, sorted by key."""
    rows = pl.concat(
        [pl.DataFrame(schema=kind.schema).with_columns(_TEXT), *(frame.with_columns(_TEXT) for frame in frames)]
    )
    return rows.sort(kind.key, *kind.order).unique(kind.key, keep="first", maintain_order=True)


def _is_after_the_row_before() -> pl.Expr:
    """Compares ORDER with that of the row before: (5, 2, 0) comes after (5, 1, 7)."""
    after = pl.lit(value=False)
    for name in reversed(ORDER):
        before = pl.col(name).shift()
        after = (pl.col(name) > before) | ((pl.col(name) == before) & after)
    return after


def sightings_of(events: pl.DataFrame, kind: Sighting) -> "FirstSightings":
    """Returns the first sightings in these events, where they are the whole history that is known."""
    return FirstSightings(kind, [merge_sightings([first_sightings(events, kind)], kind)])


class FirstSightings:
    """Looks up the first sightings of keys. `parts` are rows of the kind, each merged."""

    def __init__(self, kind: Sighting, parts: Sequence[pl.DataFrame]) -> None:
        self.kind, self._parts = kind, [part for part in parts if part.height]

    def of(self, keys: pl.Series) -> pl.DataFrame:
        """Returns for each key its row, with nulls where the key was never seen."""
        found = [_found(part, self.kind, keys) for part in self._parts]
        if not found:
            return pl.DataFrame(schema=self.kind.schema).clear(len(keys))
        return reduce(lambda one, other: _earlier(one, other, self.kind.order), found)

    def are_first(self, rows: pl.DataFrame) -> pl.Series:
        """Returns for each row of events, with the kind's key and order, whether it is the first of its key."""
        first = self.of(rows[self.kind.key])
        same = [(rows[name] == first[name]).fill_null(value=False) for name in self.kind.order]
        return reduce(lambda one, other: one & other, same)


def _found(part: pl.DataFrame, kind: Sighting, keys: pl.Series) -> pl.DataFrame:
    """Returns for each key the row of a part that is sorted by key, with nulls where it has none."""
    places = part[kind.key].search_sorted(keys).clip(0, part.height - 1)
    known = (part[kind.key].gather(places) == keys).fill_null(value=False)
    return part[places.set(~known, None)]


def _earlier(one: pl.DataFrame, other: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Takes from two frames of equal height the earlier of both rows; null is never the earlier one."""
    both = pl.DataFrame([one[name].alias(f"one {name}") for name in order] + [other[name] for name in order])
    after = pl.lit(value=False)
    for name in reversed(order):
        mine, its = pl.col(f"one {name}"), pl.col(name)
        after = (mine > its) | ((mine == its) & after)
    takes_other = both.select(pl.col(f"one {order[0]}").is_null() | after.fill_null(value=False)).to_series()
    return one.select(one[name].zip_with(~takes_other, other[name]) for name in one.columns)
