"""The columns of items: what the steps derive from the items of an event. See schema.py."""

from typing import Final

import polars as pl

from processing.columns.column import Column

# An item of an event. Together with the event's row it says all that is known of the item.
ITEM_FACT_COLUMNS: Final = (
    Column("number", pl.UInt8()),  # of the item within its event, from 1
    Column("item_id", pl.String()),
    Column("item_name", pl.String()),
    Column("item_brand", pl.String()),
    Column("item_category", pl.String()),
    Column("item_category2", pl.String()),
    Column("item_category3", pl.String()),
    Column("item_category4", pl.String()),
    Column("item_category5", pl.String()),
    Column("item_variant", pl.String()),
    Column("item_coupon", pl.String()),
    Column("item_affiliation", pl.String()),
    Column("item_list_id", pl.String()),
    Column("item_list_name", pl.String()),
    Column("item_list_position", pl.String()),
    Column("item_promotion_id", pl.String()),
    Column("item_promotion_name", pl.String()),
    Column("item_creative_name", pl.String()),
    Column("item_creative_slot", pl.String()),
    Column("item_location", pl.String()),
    Column("item_price", pl.Int64()),  # of one unit, millionths of the event's currency; null: the client sent none
    Column("item_discount", pl.Int64()),  # of one unit, already taken off the price
    Column("item_quantity", pl.Int64()),
    Column("item_value", pl.Int64()),  # price times quantity
)
ITEM_COLUMNS: Final = (
    Column("position", pl.UInt64()),
    Column("index", pl.UInt16()),
    Column("time", pl.Int64()),
    Column("received_us", pl.Int64()),
    Column("visitor", pl.UInt64()),
    *ITEM_FACT_COLUMNS,
)
