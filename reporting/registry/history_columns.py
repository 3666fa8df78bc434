"""Columns that reports get from the first sightings in the history of the property, beside those of the rows.

They are joined to the rows that a report has loaded (reporting/query/history.py), so that only such reports pay.
"""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, TypeAlias

from processing.sessions.first_sightings import ORDERS, PURCHASES, VISITORS, Sighting


class FactOfFirst(NamedTuple):
    """What the first event of the row's key says."""

    kind: Sighting
    fact: str  # one of the kind's

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.kind.key,)


class SameAsFirst(NamedTuple):
    """Whether the row agrees with the first event of its key in these columns. Null keys agree with nothing."""

    kind: Sighting
    columns: tuple[str, ...]

    @property
    def needs(self) -> tuple[str, ...]:
        return (self.kind.key, *self.columns)


HistoryColumn: TypeAlias = FactOfFirst | SameAsFirst


def is_first(kind: Sighting) -> SameAsFirst:
    """Returns the column that says whether the row is the first event of its key."""
    return SameAsFirst(kind, kind.order)


HISTORY_COLUMNS: Final[Mapping[str, HistoryColumn]] = {
    **{
        f"first_user_{name}": FactOfFirst(VISITORS, f"session_{name}")
        for name in ("source", "medium", "campaign", "channel", "groups")
    },
    "first_user_day": FactOfFirst(VISITORS, "day"),
    "in_first_session": SameAsFirst(VISITORS, ("session",)),
    "is_first_purchase": is_first(PURCHASES),
    "is_first_of_order": is_first(ORDERS),
}


def stored_columns(names: Collection[str]) -> set[str]:
    """Returns the columns that must be read of the rows, so that they get these columns."""
    needs = [HISTORY_COLUMNS[name].needs for name in names if name in HISTORY_COLUMNS]
    return {name for name in names if name not in HISTORY_COLUMNS}.union(*needs)
