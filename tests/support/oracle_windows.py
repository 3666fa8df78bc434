"""Metrics that need more than the events of their row, from the manual's definitions: users of the days before, and
shares of all rows.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

Fact = dict[str, Any]
Key = tuple[str, ...]

ACTIVE_DAYS = {"active1DayUsers": 1, "active7DayUsers": 7, "active28DayUsers": 28}
RATIOS = {"dauPerMau": (1, 30), "dauPerWau": (1, 7), "wauPerMau": (7, 30)}
SHARES: dict[str, Callable[[list[Fact]], float]] = {
    "engagementTimeShare": lambda rows: sum(fact["engagement_ms"] for fact in rows),
    "viewsShare": lambda rows: sum(fact["page_view"] for fact in rows),
}
OF_THE_DAY = (
    *("date", "day", "dayOfWeek", "dayOfWeekName", "week", "yearWeek"),
    *("isoWeek", "isoYear", "isoYearIsoWeek", "month", "year", "yearMonth"),
)
MOST_DAYS = 30
WINDOWED = (*ACTIVE_DAYS, *RATIOS, *SHARES)


class Windows:
    """`facts` are all that the report's filter keeps, of whatever day; `days` are its date range."""

    def __init__(
        self,
        facts: Iterable[Fact],
        dimensions: Sequence[str],
        days: tuple[str, str],
        value_of: dict[str, Callable[[Fact], str]],
    ) -> None:
        self.first, self.last = map(date.fromisoformat, days)
        self.dimensions, self.value_of = dimensions, value_of
        self.facts = [(date.fromisoformat(fact["day"]), fact) for fact in facts]
        self.inside = [fact for day, fact in self.facts if self.first <= day <= self.last]

    def keys(self) -> set[Key]:
        """Those of rows that may have users of the days before."""
        return {self._key(fact, end) for end in self._ends() for day, fact in self._within(end, MOST_DAYS)}

    def value(self, name: str, key: Key, group: list[Fact]) -> float:
        if name in SHARES:
            whole = SHARES[name](self.inside)
            return SHARES[name](group) / whole if whole else 0.0
        if name in RATIOS:
            part, whole = (self._users(key, days) for days in RATIOS[name])
            return part / whole if whole else 0.0
        return self._users(key, ACTIVE_DAYS[name])

    def total(self, name: str, group: list[Fact], kept: set[Key] | None) -> float:
        """`kept`: the keys of the rows that a metric filter keeps; None: all rows."""
        if name in SHARES:
            return self.value(name, (), group)
        facts = self.facts
        if kept is not None:
            by_date = "date" in self.dimensions
            facts = [
                (day, fact)
                for day, fact in self.facts
                if (not by_date or self.first <= day <= self.last) and self._key(fact, day if by_date else None) in kept
            ]
        of_all = Windows([], (), (str(self.first), str(self.last)), self.value_of)
        of_all.facts = facts
        return of_all.value(name, (), group)

    def _ends(self) -> list[date]:
        if "date" not in self.dimensions:
            return [self.last]
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def _within(self, end: date, days: int) -> list[tuple[date, Fact]]:
        return [(day, fact) for day, fact in self.facts if end - timedelta(days=days) < day <= end]

    def _key(self, fact: Fact, end: date | None) -> Key:
        """In a report by date, what is known of the day is that of the row's date."""
        if end is None or "date" not in self.dimensions:
            return tuple(self.value_of[name](fact) for name in self.dimensions)
        moved = {**fact, "local": datetime.combine(end, time(12))}
        return tuple(self.value_of[name](moved if name in OF_THE_DAY else fact) for name in self.dimensions)

    def _users(self, key: Key, days: int) -> int:
        end = self.last
        if "date" in self.dimensions:
            end = datetime.strptime(key[list(self.dimensions).index("date")], "%Y%m%d").date()  # noqa: DTZ007
        found = [fact for _, fact in self._within(end, days) if fact["active"] and self._key(fact, end) == key]
        return len({fact["visitor"] for fact in found})
