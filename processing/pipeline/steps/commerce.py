"""Reads what shops say: orders, their money, and the items of an event."""

from hashlib import blake2b
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import dictionary_encode
from processing.pipeline.conditions.parameters import EVENT_PARAMETER, parameter
from processing.pipeline.custom_values import number
from processing.pipeline.lookups.items import ITEM, as_column, read_items
from processing.schema import FACTS, ITEM_FACTS, ITEMS, empty

LONGEST_TEXT: Final = 255  # characters of an order's id or coupon
NO_CURRENCY: Final = "XXX"  # what ISO 4217 has for it: a text that is no code of a currency
TEXTS: Final = ("transaction_id", "coupon")
AMOUNTS: Final = ("value", "tax", "shipping")
FIRST_OWN_INDEX: Final = 2  # the indexes below are kept for implied events
COLUMNS: Final = (*TEXTS, "order_key", *AMOUNTS, "currency", "item_quantity", "item_value")
ITEMS_COLUMN: Final = "items"
# The columns that this step fills.
COMMERCE: Final = {name: FACTS[name] for name in COLUMNS} | {ITEMS_COLUMN: pl.List(pl.Struct(ITEM_FACTS))}
# Without one of these texts, a hit has nothing to read.
SIGNS: Final = [f".{name}=" for name in (*TEXTS, *AMOUNTS)] + [f"{ITEM}{digit}" for digit in range(1, 10)]


def commerce(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Adds the order, its amounts (millionths) and currency, and the event's items as a list of ITEM_FACTS."""
    rest = frame.select(pl.when(pl.col("index") >= FIRST_OWN_INDEX).then("rest")).to_series()
    if not rest.str.contains_any(SIGNS).any():
        return frame
    texts = {name: parameter(rest, EVENT_PARAMETER, name).map(_text).rows() for name in TEXTS}
    amounts = {name: parameter(rest, EVENT_PARAMETER, name).map(_amount).rows() for name in AMOUNTS}
    items = read_items(rest)
    texts["order_key"] = _order_keys(frame["event"], texts["transaction_id"])
    frame = frame.with_columns(**texts, **amounts, **({} if items is None else as_column(items, frame.height)))
    has_money = pl.any_horizontal(pl.col(*AMOUNTS, "item_value").is_not_null())
    sent = pl.coalesce(pl.when(frame["cu"].ne("")).then(frame["cu"]), _sent_currency(rest))
    currency = dictionary_encode(frame.select(pl.when(has_money).then(sent).alias("currency")).to_series())
    return frame.with_columns(currency=currency.map(_currency).rows())


def _order_keys(events: pl.Series, ids: pl.Series) -> pl.Series:
    """Returns the key of each purchase that names its order: reports find the first purchase of an order by it."""
    orders = pl.select(pl.when(pl.lit(events) == "purchase").then(pl.lit(ids))).to_series()
    known = {text: _order_key(text) for text in orders.unique().drop_nulls()}
    return orders.replace_strict(known, default=None, return_dtype=pl.UInt64)


def _order_key(id: str) -> int:
    return int.from_bytes(blake2b(id.encode(), digest_size=8).digest(), "big")


def items_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Returns the ITEMS of the rows, from their lists."""
    if frame[ITEMS_COLUMN].null_count() == frame.height:
        return empty(ITEMS)
    identity = [name for name in ITEMS if name not in ITEM_FACTS]
    rows = frame.filter(pl.col(ITEMS_COLUMN).is_not_null()).select(*identity, ITEMS_COLUMN)
    return rows.explode(ITEMS_COLUMN).unnest(ITEMS_COLUMN).select(*ITEMS)


def _sent_currency(rest: pl.Series) -> pl.Series:
    return parameter(rest, EVENT_PARAMETER, "currency").map(_text).rows()


def _text(values: pl.Series) -> pl.Series:
    cut = pl.lit(values).str.strip_chars().str.slice(0, LONGEST_TEXT)
    return pl.select(pl.when(cut.ne("")).then(cut)).to_series()


def _amount(values: pl.Series) -> pl.Series:
    return pl.select(number(pl.lit(values))).to_series()


def _currency(values: pl.Series) -> pl.Series:
    upper = pl.lit(values).str.strip_chars().str.to_uppercase()
    known = pl.when(upper.str.contains("^[A-Z]{3}$")).then(upper).otherwise(pl.lit(NO_CURRENCY))
    return pl.select(pl.when(upper.ne("")).then(known)).to_series()
