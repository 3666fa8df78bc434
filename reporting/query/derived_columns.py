"""Columns that reports count but that no segment stores, since they depend on more than the event: on the rates of
currencies, and on which event of an order came first.
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

import polars as pl

from configuration.exchange_rates import Rates
from processing.pipeline.custom_values import LARGEST

PURCHASE: Final = "purchase"
AMOUNTS: Final = ("value", "tax", "shipping", "item_value")
HAS_MONEY: Final = pl.any_horizontal(pl.col(*AMOUNTS).is_not_null())
# What an order is worth: the value that the client sent, or else the price of its items.
ORDER_VALUE: Final = pl.coalesce("value", "item_value")

NO_FACTOR: Final = {"numerator": pl.Int64(), "denominator": pl.Int64()}


class Money(NamedTuple):
    """What the derived columns depend on: the property's currency, and the rates into it."""

    currency: str
    rates: Rates


class _Derived(NamedTuple):
    columns: tuple[str, ...]  # that it is made of
    make: Callable[[pl.DataFrame, Money], pl.Series]


def parts_of(names: Collection[str]) -> list[str]:
    """Returns the columns that these columns are made of: themselves, unless they are derived."""
    parts = (DERIVED[name].columns if name in DERIVED else (name,) for name in names)
    return sorted({column for part in parts for column in part})


def with_derived(rows: pl.DataFrame, names: Collection[str], money: Money) -> pl.DataFrame:
    """Adds those of the columns that are derived; the rows have the `parts_of` them."""
    made = [DERIVED[name].make(rows, money).alias(name) for name in names if name in DERIVED]
    return rows.with_columns(made)


def convert(amounts: pl.Series, factors: pl.DataFrame) -> pl.Series:
    """Converts millionths, each by the factor of its row, rounded half away from zero; null where there is no factor.

    3 of a currency at 1 / 2 are 1.5 millionths, which is 2; -3 are -2.
    """
    exact = factors.select(
        pl.lit(amounts).cast(pl.Int128).alias("amount"), pl.col("numerator", "denominator").cast(pl.Int128)
    )
    doubled = pl.col("amount").abs() * pl.col("numerator") * 2 + pl.col("denominator")
    rounded = doubled // (pl.col("denominator") * 2) * pl.col("amount").sign()
    return exact.select(rounded.clip(-LARGEST, LARGEST).cast(pl.Int64)).to_series()


def _factors(rows: pl.DataFrame, money: Money) -> pl.DataFrame:
    """Returns `numerator` and `denominator` for each row, null without a rate: looked up once per currency and day."""
    keys = rows.select("day", pl.col("currency").cast(pl.String).fill_null(money.currency))
    pairs = keys.filter(pl.col("currency") != money.currency).unique()
    found = [(day, currency, money.rates.factor(currency, day)) for day, currency in pairs.iter_rows()]
    known = [(day, currency, *factor) for day, currency, factor in found if factor]
    table = pl.DataFrame(known, schema={"day": pl.Int32(), "currency": pl.String(), **NO_FACTOR}, orient="row")
    joined = keys.join(table, on=["day", "currency"], how="left", maintain_order="left")
    own = pl.col("currency") == money.currency
    return joined.select(pl.when(own).then(pl.lit(1)).otherwise(name).alias(name) for name in NO_FACTOR)


def _in_own_currency(rows: pl.DataFrame, money: Money) -> bool:
    return rows["currency"].null_count() == rows.height or not rows["currency"].cast(pl.String).ne(money.currency).any()


def _converted(amount: pl.Expr, *columns: str) -> _Derived:
    def make(rows: pl.DataFrame, money: Money) -> pl.Series:
        amounts = rows.select(amount).to_series()
        return amounts if _in_own_currency(rows, money) else convert(amounts, _factors(rows, money))

    return _Derived((*columns, "currency", "day"), make)


def _unconverted_value(rows: pl.DataFrame, money: Money) -> pl.Series:
    """Returns what has no rate, in its own currency."""
    unknown = _factors(rows, money)["numerator"].is_null()
    return rows.select(pl.when(unknown).then(ORDER_VALUE)).to_series()


def _currency_code(rows: pl.DataFrame, money: Money) -> pl.Series:
    code = pl.col("currency").cast(pl.String).fill_null(money.currency)
    return rows.select(pl.when(HAS_MONEY).then(code).cast(pl.Categorical)).to_series()


def _counts_as_purchase(rows: pl.DataFrame, _money: Money) -> pl.Series:
    """Returns which events are purchases that count: of an order with an id, the first one of all time."""
    counts = (pl.col("event") == PURCHASE) & (pl.col("order_key").is_null() | pl.col("is_first_of_order"))
    return rows.select(counts.fill_null(value=False)).to_series()


def _event_number(rows: pl.DataFrame, _money: Money) -> pl.Series:
    """Returns a number for each event, the same on all of its items."""
    return rows.select(pl.struct("position", "index").rank("dense").cast(pl.UInt64)).to_series()


DERIVED: Final[dict[str, _Derived]] = {
    "counted_purchase": _Derived(("event", "order_key", "is_first_of_order"), _counts_as_purchase),
    "currency_code": _Derived((*AMOUNTS, "currency"), _currency_code),
    "event_value": _converted(pl.col("value"), "value"),
    "order_value": _converted(ORDER_VALUE, "value", "item_value"),
    "order_tax": _converted(pl.col("tax"), "tax"),
    "order_shipping": _converted(pl.col("shipping"), "shipping"),
    "item_revenue": _converted(pl.col("item_value"), "item_value"),
    "unconverted_value": _Derived(("value", "item_value", "currency", "day"), _unconverted_value),
    "event_number": _Derived(("position", "index"), _event_number),
}
