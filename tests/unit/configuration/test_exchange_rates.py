"""Which rate an amount is converted with."""

from decimal import Decimal

import pytest

from configuration.exchange_rates import OLDEST_DAYS, ONE, Factor, Rate, Rates

DOLLARS = Rate(100, "USD", "EUR", Decimal("0.9"))
POUNDS = Rate(100, "EUR", "GBP", Decimal("0.8"))


def test_it_works() -> None:
    rates = Rates([DOLLARS, POUNDS], "EUR")
    assert rates.factor("USD", 100) == Factor(9 * ONE // 10, ONE)
    assert rates.factor("GBP", 100) == Factor(ONE, 8 * ONE // 10)
    assert rates.factor("CHF", 100) is None


@pytest.mark.parametrize(("day", "known"), [(99, False), (100, True), (100 + OLDEST_DAYS, True), (108, False)])
def test_a_day_without_a_rate_takes_that_of_the_days_before(day: int, known: bool) -> None:
    assert (Rates([DOLLARS], "EUR").factor("USD", day) is not None) == known


def test_the_latest_rate_counts() -> None:
    rates = Rates([DOLLARS, DOLLARS._replace(day=102, rate=Decimal(2))], "EUR")
    assert [factor.numerator / ONE for day in (101, 102, 103) if (factor := rates.factor("USD", day))] == [0.9, 2, 2]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_directions_the_given_one_counts(order: int) -> None:
    both = [DOLLARS, Rate(100, "EUR", "USD", Decimal(5))][::order]
    assert Rates(both, "EUR").factor("USD", 100) == Factor(9 * ONE // 10, ONE)


def test_rates_between_other_currencies_are_not_used() -> None:
    assert Rates([Rate(100, "USD", "GBP", Decimal(2)), POUNDS], "EUR").factor("USD", 100) is None
