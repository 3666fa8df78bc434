"""Says of a rejected event what reports can ask about it: its page, its country, and the program that sent it."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.lookups.robots import OTHER, find_program
from processing.pipeline.lookups.user_agents import LONGEST
from processing.pipeline.row_ops import look_up
from processing.pipeline.steps.page import with_host_and_path
from processing.pipeline.steps.place import place

PROGRAM: Final = {"bot_name": pl.String(), "bot_category": pl.String()}
PAGE_AND_PLACE: Final = ("host", "path", "country")
NO_TEXT: Final = pl.lit(None, dtype=pl.String())


def describe(rejected: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Adds host, path, country (its name), bot_name and bot_category; null where unknown.

    An event that was rejected after its page and place were found keeps them, with the owner's rewrites. Of a hit that
    could not be read, nothing is said: whatever made it unreadable could stop this as well.
    """
    readable = pl.col("error").is_null()
    if rejected["error"].null_count() == rejected.height:
        return _described(rejected, rules)
    unreadable = rejected.filter(~readable).with_columns(**dict.fromkeys((*PAGE_AND_PLACE, *PROGRAM), NO_TEXT))
    return pl.concat([_described(rejected.filter(readable), rules), unreadable], how="diagonal")


def _described(rows: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    found = rows if "host" in rows.columns else place(with_host_and_path(rows, rules), rules)
    programs = look_up(found, [pl.col("user_agent").str.slice(0, LONGEST)], PROGRAM, name_program)
    by_rule = pl.when(pl.col("reason") == "bot").then(pl.lit(OTHER))  # the owner says so, of whatever names a browser
    return found.hstack(programs).with_columns(bot_category=pl.coalesce("bot_category", by_rule))


def name_program(user_agent: str | None) -> tuple[str | None, str | None]:
    return find_program(user_agent or "") or (None, None)
