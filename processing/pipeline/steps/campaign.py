"""Finds what the tags of a campaign say beside its source: term, content, id, platform, and the kind of click id."""

from functools import lru_cache
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import on_some
from processing.pipeline.custom_values import encode_texts
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.tags import DETAIL_TAGS, LONGEST_TAGS, named_tags
from processing.pipeline.row_ops import look_up

# The names in the column, as reports read it.
TERM, CONTENT, ID, PLATFORM, CLICK = DETAILS = ("term", "content", "id", "platform", "click")
LONGEST: Final = 255
KINDS: Final = {name.lower(): name for name, *_ in rows("click_ids")}
GIVEN: Final = ("ck", "cc", "ci", "gclid", "dclid")
HAS_DETAIL: Final = pl.col("tags").str.contains_any([*DETAIL_TAGS, *KINDS]).fill_null(value=False)
KEYS: Final = (pl.col("tags").str.slice(0, LONGEST_TAGS), *(pl.col(name).str.slice(0, LONGEST) for name in GIVEN))
FACTS: Final = {"campaign_details": pl.String()}
CACHED: Final = 16_384


def campaign(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`ck`, `cc` and `ci` replace the tags of the URL. Of a click id only its name is kept."""
    given = [pl.col(name).is_not_null() for name in GIVEN if frame[name].null_count() < frame.height]
    tagged = frame.select(pl.any_horizontal(HAS_DETAIL, *given)).to_series()
    if not tagged.any():
        return frame
    details = look_up(frame.select("tags", *GIVEN).filter(tagged), KEYS, FACTS, find_details)
    return frame.with_columns(on_some(frame["tags"], tagged, lambda _: details.to_series()))


@lru_cache(CACHED)
def find_details(
    tags: str | None, ck: str | None, cc: str | None, ci: str | None, gclid: str | None, dclid: str | None
) -> tuple[str | None]:
    """Returns DETAILS, encoded. Of several click ids, the first of the list counts, as for the source."""
    named = named_tags(tags)
    clicked = {*named, *(name for name, value in (("gclid", gclid), ("dclid", dclid)) if value)}
    written = [given or named.get(tag) for tag, given in zip(DETAIL_TAGS, (ck, cc, ci, None), strict=True)]
    values = (*written, next((kind for name, kind in KINDS.items() if name in clicked), None))
    return (encode_texts(zip(DETAILS, values, strict=True)),)
