"""Rewrites the values of a field, once per distinct value and within bounds of length."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

import polars as pl

from configuration.ruleset.patterns import rust_pattern
from configuration.ruleset.ruleset import RewriteRule
from processing.pipeline.lookups.event_names import LONGEST_EVENT_NAME
from processing.pipeline.lookups.percent_encoding import canonical
from processing.pipeline.lookups.urls import LONGEST_HOST, LONGEST_PATH, LONGEST_QUERY

NOT_SET: Final = "(not set)"
LONGEST_NAME: Final = 255
LARGEST: Final = 64 << 20  # characters made at a time: replacing a short text may make a value a thousand times longer

Rewrite = Callable[[pl.Series], pl.Series]


class Bounds(NamedTuple):
    """The longest value of a field in characters, and the value it gets if a rewrite leaves nothing (None: null)."""

    longest: int
    emptied: str | None


BOUNDS: Final[dict[str, Bounds]] = {
    "event": Bounds(LONGEST_EVENT_NAME, NOT_SET),
    "host": Bounds(LONGEST_HOST, None),
    "path": Bounds(LONGEST_PATH, "/"),
    "query": Bounds(LONGEST_QUERY, None),
    **dict.fromkeys(("source", "medium", "campaign"), Bounds(LONGEST_NAME, NOT_SET)),
    **dict.fromkeys(("browser", "system"), Bounds(LONGEST_NAME, None)),
}


def make_rewrite(rule: RewriteRule) -> Rewrite:
    """Returns the function from values to rewritten and cut ones. A missing value is the empty text."""
    changes: dict[str, Rewrite] = {
        "lower_case": lambda values: values.str.to_lowercase(),
        "replace": partial(_replaced, rule),
        "drop_parameters": partial(_without_parameters, rule),
    }
    longest = BOUNDS[rule.field].longest
    return lambda values: changes[rule.change](values).str.slice(0, longest)


def restore_missing(field: str, before: pl.Series, after: pl.Series) -> pl.Series:
    """Turns empty texts back into null if they were null before, else into what the field has when emptied."""
    emptied = pl.when(pl.lit(before).is_not_null()).then(pl.lit(BOUNDS[field].emptied, dtype=pl.String))
    return pl.select(pl.when(pl.lit(after).ne("")).then(pl.lit(after)).otherwise(emptied).alias(field)).to_series()


def _replaced(rule: RewriteRule, values: pl.Series) -> pl.Series:
    literal = not rule.pattern
    sought = canonical(rule.search) if rule.field in ("path", "query") else rule.search
    search = sought if literal else rust_pattern(rule.search, case_sensitive=True)
    batches = [
        batch.str.replace_all(search, rule.replacement, literal=literal).str.slice(0, BOUNDS[rule.field].longest)
        for batch in _batches(rule, values)
    ]
    return pl.concat(batches) if batches else values


def _batches(rule: RewriteRule, values: pl.Series) -> Iterator[pl.Series]:
    """Splits the values so that the rewritten ones of a batch have at most LARGEST characters."""
    longest = BOUNDS[rule.field].longest
    worst = (longest + 1) * (len(rule.replacement) + 1) + longest * rule.replacement.count("$") * rule.pattern
    size = max(1, LARGEST // worst)
    return (values.slice(start, size) for start in range(0, len(values), size))


def _without_parameters(rule: RewriteRule, values: pl.Series) -> pl.Series:
    named = frozenset(rule.parameters)
    kept = [_kept(text, named, keep_only=rule.keep_only) for text in values]
    return pl.Series(values.name, kept, dtype=pl.String)


def _kept(query: str, named: frozenset[str], *, keep_only: bool) -> str:
    """Keeps the named parameters (`keep_only`), or all but these. Names are compared decoded.

    Behind a `#` are the parameters of a route.
    """
    own, mark, of_route = query.partition("#")
    kept = [
        "&".join(part for part in text.split("&") if text and (_name(part) in named) == keep_only)
        for text in (own, of_route)
    ]
    return kept[0] + mark + kept[1] if kept[1] else kept[0]


def _name(part: str) -> str:
    name = part.partition("=")[0]
    return unquote_plus(name) if re.search("[%+]", name) else name
