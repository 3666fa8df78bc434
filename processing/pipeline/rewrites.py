"""What a rewrite makes of the values of a field: once for each distinct value, and never larger than a bound."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

import polars as pl

from configuration.ruleset.patterns import rust_pattern
from configuration.ruleset.ruleset import RewriteRule
from processing.pipeline.lookups.event_names import LONGEST_EVENT_NAME
from processing.pipeline.lookups.urls import LONGEST_HOST, LONGEST_PATH, LONGEST_QUERY

NOT_SET: Final = "(not set)"
LONGEST_NAME: Final = 255
LARGEST: Final = 64 << 20  # characters that are made at a time: a short search may blow a long text up a thousandfold

Rewrite = Callable[[pl.Series], pl.Series]


class Bounds(NamedTuple):
    """At how many characters a field is cut, and what stands where a rewrite leaves nothing; None: no text."""

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


def change_of(rule: RewriteRule) -> Rewrite:
    """From distinct values to new ones, cut; a missing value is the empty text before, and may be after."""
    changes: dict[str, Rewrite] = {
        "lower_case": lambda values: values.str.to_lowercase(),
        "replace": partial(_replaced, rule),
        "drop_parameters": partial(_without_parameters, rule),
    }
    longest = BOUNDS[rule.field].longest
    return lambda values: changes[rule.change](values).str.slice(0, longest)


def finished(field: str, before: pl.Series, after: pl.Series) -> pl.Series:
    """What is kept in the place of texts that became empty; what was missing and still is stays missing."""
    emptied = pl.when(pl.lit(before).is_not_null()).then(pl.lit(BOUNDS[field].emptied, dtype=pl.String))
    return pl.select(pl.when(pl.lit(after).ne("")).then(pl.lit(after)).otherwise(emptied).alias(field)).to_series()


def _replaced(rule: RewriteRule, values: pl.Series) -> pl.Series:
    literal = not rule.pattern
    search = rule.search if literal else rust_pattern(rule.search, case_sensitive=True)
    pieces = [
        piece.str.replace_all(search, rule.replacement, literal=literal).str.slice(0, BOUNDS[rule.field].longest)
        for piece in _pieces(rule, values)
    ]
    return pl.concat(pieces) if pieces else values


def _pieces(rule: RewriteRule, values: pl.Series) -> Iterator[pl.Series]:
    """So few values at a time that what is made of them fits."""
    longest = BOUNDS[rule.field].longest
    worst = (longest + 1) * (len(rule.replacement) + 1) + longest * rule.replacement.count("$") * rule.pattern
    size = max(1, LARGEST // worst)
    return (values.slice(start, size) for start in range(0, len(values), size))


def _without_parameters(rule: RewriteRule, values: pl.Series) -> pl.Series:
    named = frozenset(rule.parameters)
    kept = [_kept(text, named, keep_only=rule.keep_only) for text in values]
    return pl.Series(values.name, kept, dtype=pl.String)


def _kept(query: str, named: frozenset[str], *, keep_only: bool) -> str:
    """`keep_only`: those named stay, otherwise all others do; names are compared decoded."""
    parts = query.split("&") if query else []
    return "&".join(part for part in parts if (_name(part) in named) == keep_only)


def _name(part: str) -> str:
    name = part.partition("=")[0]
    return unquote_plus(name) if re.search("[%+]", name) else name
