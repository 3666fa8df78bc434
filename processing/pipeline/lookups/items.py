"""Reads the items of an event: the parameters `pr1` to `pr200`.

An item is a text of fields, joined by `~`. Each field is a key of two letters and its value: `idS1~nmSocks~pr4.5~qt2`.
Within a value, `~~` stands for `~`.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

import polars as pl

from processing.pipeline.custom_values import LARGEST, number
from processing.schema import ITEM_FACTS

ITEM: Final = "pr"
MOST_ITEMS: Final = 200
LONGEST_TEXT: Final = 255  # characters of a field
MOST_UNITS: Final = 1_000_000  # of one item
TEXTS: Final = {
    "id": "item_id",
    "nm": "item_name",
    "br": "item_brand",
    "ca": "item_category",
    "c2": "item_category2",
    "c3": "item_category3",
    "c4": "item_category4",
    "c5": "item_category5",
    "va": "item_variant",
    "cp": "item_coupon",
    "af": "item_affiliation",
    "li": "item_list_id",
    "ln": "item_list_name",
    "lp": "item_list_position",
    "pi": "item_promotion_id",
    "pn": "item_promotion_name",
    "cn": "item_creative_name",
    "cs": "item_creative_slot",
    "lo": "item_location",
}
NUMBERS: Final = {"pr": "item_price", "ds": "item_discount", "qt": "item_quantity"}
FIELDS: Final[Mapping[str, str]] = {**TEXTS, **NUMBERS}
SEPARATOR: Final = "~"
TWICE: Final = 2 * SEPARATOR
NO_SEPARATOR: Final = "\0"  # stands for TWICE while fields are taken apart; so a NUL that was sent reads as `~`, too
_ONE: Final = rf"(?:^|&){ITEM}(?:[1-9][0-9]?|1[0-9][0-9]|200)=[^&]+"
_PARTS: Final = rf"{ITEM}([0-9]+)=(.*)"


def read_items(rest: pl.Series) -> pl.DataFrame | None:
    """Returns `row`, the number of the row in `rest`, and the ITEM_FACTS of each item; None if there are none.

    A parameter that is sent twice counts as it was sent first; one without any known field is no item.
    """
    pieces = rest.str.extract_all(_ONE)
    found = pl.DataFrame({"row": pl.int_range(len(rest), dtype=pl.UInt32, eager=True), "piece": pieces})
    found = found.filter(pl.col("piece").list.len() > 0).explode("piece")
    if found.is_empty():
        return None
    parts = pl.col("piece").str.extract_groups(_PARTS)
    named = found.select("row", parts.struct[0].cast(pl.UInt8).alias("number"), parts.struct[1].alias("text"))
    once = named.unique(["row", "number"], keep="first", maintain_order=True).sort("row", "number")
    known = once.join(_facts(once["text"].unique()), on="text", how="inner", maintain_order="left")
    return None if known.is_empty() else known.select("row", *ITEM_FACTS)


def as_column(items: pl.DataFrame, height: int) -> dict[str, pl.Series]:
    """Returns for each of `height` rows its `items` as a list, and `item_quantity` and `item_value` of all of them."""
    totals = [pl.col(name).cast(pl.Int128).sum().clip(-LARGEST, LARGEST).cast(pl.Int64) for name in TOTALS]
    lists = items.group_by("row", maintain_order=True).agg(pl.struct(*ITEM_FACTS).alias("items"), *totals)
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(lists, on="row", how="left", maintain_order="left").drop("row").to_dict()


TOTALS: Final = ("item_quantity", "item_value")


def _facts(texts: pl.Series) -> pl.DataFrame:
    """Returns the facts of each of these texts, which are distinct."""
    rows = [_fields(text) for text in texts]
    fields = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS.values(), pl.String()), orient="row")
    facts = fields.with_columns(
        texts.alias("text"),
        number(pl.col("item_price")),
        number(pl.col("item_discount")),
        _units(pl.col("item_quantity")),
    ).filter(pl.any_horizontal(fields[name].is_not_null() for name in fields.columns))
    value = pl.col("item_price").cast(pl.Int128) * pl.col("item_quantity")
    return facts.with_columns(item_value=value.clip(-LARGEST, LARGEST).cast(pl.Int64).fill_null(0))


def _fields(encoded: str) -> list[str | None]:
    """Returns the values of FIELDS; null for one that is missing or empty. Of a repeated field, the first counts."""
    values = dict[str, str]()
    for field in unquote_plus(encoded, errors="replace").replace(TWICE, NO_SEPARATOR).split(SEPARATOR):
        value = field[2:].replace(NO_SEPARATOR, SEPARATOR)
        values.setdefault(field[:2], value[:LONGEST_TEXT].strip())
    return [values.get(key) or None for key in FIELDS]


def _units(text: pl.Expr) -> pl.Expr:
    """Reads a whole number from 0 to MOST_UNITS; 1 if the text is none."""
    parsed = text.cast(pl.Float64, strict=False)
    return pl.when(parsed.is_finite()).then(parsed.clip(0, MOST_UNITS).round()).otherwise(1).cast(pl.Int64)
