"""Daily rates of currencies, as reports use them: plain values that can be sent to another process."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

DECIMALS: Final = 12  # of a rate
ONE: Final = 10**DECIMALS
LARGEST_RATE: Final = 1_000_000
OLDEST_DAYS: Final = 7  # a day without a rate takes that of a day before it, so many days back at most


class Rate(NamedTuple):
    """One unit of `currency` was worth `rate` units of `target` on that day (days since 1970-01-01)."""

    day: int
    currency: str
    target: str
    rate: Decimal


class Factor(NamedTuple):
    """An exact fraction: an amount times `numerator` by `denominator` is the amount in the target currency."""

    numerator: int
    denominator: int


class Rates:
    """The rates into one currency. Of two rates of a day, the one that was given in this direction counts."""

    def __init__(self, rates: Iterable[Rate] = (), target: str = "") -> None:
        self.target = target
        self._rates = tuple(rate for rate in rates if target in (rate.currency, rate.target))

    def factor(self, currency: str, day: int) -> Factor | None:
        """Returns the factor of the latest day up to `day` that has one, back to OLDEST_DAYS before it; else None."""
        days, factors = self._by_currency.get(currency, ([], []))
        place = bisect_right(days, day) - 1
        return factors[place] if place >= 0 and days[place] >= day - OLDEST_DAYS else None

    @cached_property
    def _by_currency(self) -> dict[str, tuple[list[int], list[Factor]]]:
        found = defaultdict[str, dict[int, Factor]](dict)
        for day, currency, target, rate in sorted(self._rates, key=lambda rate: rate.target == self.target):
            scaled = int(rate * ONE)
            if target == self.target:
                found[currency][day] = Factor(scaled, ONE)
            else:
                found[target][day] = Factor(ONE, scaled)
        return {currency: (sorted(days), [days[day] for day in sorted(days)]) for currency, days in found.items()}


NO_RATES: Final = Rates()
