"""Finds what the tags of a campaign say beside its source: term, content, id, platform, and the kind of click id."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import on_some
from processing.pipeline.custom_values import encode
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.tags import DETAIL_TAGS, LONGEST_TAGS, named_tags
from processing.pipeline.row_ops import look_up

# The names in the column, as reports read it.
TERM, CONTENT, ID, PLATFORM, CLICK = DETAILS = ("term", "content", "id", "platform", "click")
LONGEST: Final = 255
KINDS: Final = {name.lower(): name for name, *_ in rows("click_ids")}
GIVEN: Final = ("ck", "cc", "ci", "gclid", "dclid")
SOURCES: Final = ("tags", *GIVEN)
KEYS: Final = (pl.col("tags").str.slice(0, LONGEST_TAGS), *(pl.col(name).str.slice(0, LONGEST) for name in GIVEN))
FACTS: Final = {name: pl.String() for name in DETAILS}


def campaign(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`ck`, `cc` and `ci` replace the tags of the URL. Of a click id only its name is kept."""
    tagged = frame.select(pl.any_horizontal(pl.col(SOURCES).is_not_null())).to_series()
    if not tagged.any():
        return frame
    details = look_up(frame.filter(tagged), KEYS, FACTS, find_details)
    encoded = details.select(encode({name: pl.col(name) for name in DETAILS})).to_series()
    return frame.with_columns(campaign_details=on_some(frame["tags"], tagged, lambda _: encoded))


def find_details(
    tags: str | None, ck: str | None, cc: str | None, ci: str | None, gclid: str | None, dclid: str | None
) -> tuple[str | None, ...]:
    """Returns DETAILS. Of several click ids, the first of the list counts, as for the source."""
    named = named_tags(tags)
    clicked = {*named, *(name for name, value in (("gclid", gclid), ("dclid", dclid)) if value)}
    written = [given or named.get(tag) for tag, given in zip(DETAIL_TAGS, (ck, cc, ci, None), strict=True)]
    return (*written, next((kind for name, kind in KINDS.items() if name in clicked), None))
