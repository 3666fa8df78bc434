"""Evaluates conditions on a single field over its distinct values."""

import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from configuration.ruleset.domain_names import show_host
from configuration.ruleset.patterns import any_of, rust_pattern
from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork, Leaf, OneOf, Text
from processing.pipeline.lookups.percent_encoding import canonical

Numbered: TypeAlias = list[tuple[int, Condition]]
PATTERNS_AT_ONCE: Final = 8  # patterns that are joined into one
FEW: Final = 4  # so few conditions are evaluated one by one: a search for all of them would cost more than it saves


def first_on_values(numbered: Numbered, values: pl.DataFrame) -> pl.Series:
    """Returns for each row of `value` and `folded` the least number whose condition holds, null where none does.

    Most values match nothing. So one search looks for any of many texts or patterns, and only the values that it finds
    are compared with them one by one.
    """
    return reduce(least, [_first_of_group(group, values, candidates) for group, candidates in _groups(numbered)])


def expression(condition: Condition) -> pl.Expr:
    """Turns a condition on a single field into an expression over the columns `value` and `folded`."""
    if isinstance(condition, AllOf | AnyOf):
        parts = [pl.lit(isinstance(condition, AllOf)), *(expression(part) for part in condition.of)]
        holds = pl.all_horizontal(parts) if isinstance(condition, AllOf) else pl.any_horizontal(parts)
    else:
        holds = _leaf(condition)
    return ~holds if condition.negated else holds


def least(first: pl.Series, second: pl.Series) -> pl.Series:
    """Returns the lesser of two numbers in each row; null counts for nothing."""
    return pl.select(pl.min_horizontal(first, second)).to_series()


def _first_of_group(group: Numbered, values: pl.DataFrame, candidates: pl.Expr | None) -> pl.Series:
    first = pl.coalesce(
        [pl.when(expression(condition)).then(pl.lit(number, dtype=pl.UInt32)) for number, condition in group]
    )
    if candidates is None:
        return values.select(first).to_series()
    mask = values.select(candidates).to_series()
    row = pl.select(pl.when(mask).then(mask.cum_sum() - 1).cast(pl.UInt32)).to_series()
    return values.filter(mask).select(first).to_series().gather(row)


def _groups(numbered: Numbered) -> Iterator[tuple[Numbered, pl.Expr | None]]:
    """Groups the conditions, each group with an expression that holds wherever any of its conditions does.

    The last group has none: its conditions are evaluated for every value.
    """
    searches = [(n, test) for n, test in numbered if isinstance(test, Text) and not test.negated and test.value]
    patterns = [(n, test) for n, test in searches if test.test == "pattern"]
    texts = [(n, test) for n, test in searches if test.test != "pattern"]
    batches = (patterns[start : start + PATTERNS_AT_ONCE] for start in range(0, len(patterns), PATTERNS_AT_ONCE))
    groups = [group for group in (texts, *batches) if len(group) > FEW]
    for group in groups:
        yield [(n, test) for n, test in group], _any_may_hold([test for _, test in group])
    grouped = {number for group in groups for number, _ in group}
    single = [(n, condition) for n, condition in numbered if n not in grouped]
    if single:
        yield single, None


def _any_may_hold(tests: list[Text]) -> pl.Expr:
    """Holds wherever one of the tests does. All of them are patterns, or none is."""
    if tests[0].test == "pattern":
        return pl.col("value").str.contains(any_of((test.value, test.case_sensitive) for test in tests))
    return pl.col("folded").str.contains_any(_folded(tuple(map(_sought, tests)), case_sensitive=False))


def _leaf(leaf: Leaf) -> pl.Expr:
    if isinstance(leaf, InNetwork):
        return pl.col("value").map_batches(
            lambda values: _in_networks(leaf.networks, values), return_dtype=pl.Boolean()
        )
    text = pl.col("value" if leaf.case_sensitive else "folded")
    if isinstance(leaf, OneOf):
        values = tuple(_spelled(leaf.field, value) for value in leaf.values)
        return text.is_in(_folded(values, case_sensitive=leaf.case_sensitive))
    if leaf.test == "pattern":
        return pl.col("value").str.contains(rust_pattern(leaf.value, case_sensitive=leaf.case_sensitive))
    [value] = _folded((_sought(leaf),), case_sensitive=leaf.case_sensitive)
    return TESTS[leaf.test](text, value)


def _sought(test: Text) -> str:
    return _spelled(test.field, test.value)


def _spelled(field: str, value: str) -> str:
    """Spells a value as the field's values are spelled, so that a rule may have it from an address as sent."""
    change = SPELLINGS.get(field)
    return change(value) if change else value


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "path": canonical,
    "query": canonical,
    "host": show_host,
    "referrer_host": show_host,
}
TESTS: Final[dict[str, Callable[[pl.Expr, str], pl.Expr]]] = {
    "equals": lambda text, value: text == value,
    "contains": lambda text, value: text.str.contains(value, literal=True),
    "begins": lambda text, value: text.str.starts_with(value),
    "ends": lambda text, value: text.str.ends_with(value),
}


@lru_cache(4_096)
def _folded(values: tuple[str, ...], *, case_sensitive: bool) -> list[str]:
    """Folds by the same means as the column, since Python and polars may follow different versions of Unicode."""
    texts = pl.Series(values, dtype=pl.String)
    return (texts if case_sensitive else texts.str.to_lowercase()).to_list()


class NetworkRanges(NamedTuple):
    """Disjoint ranges of addresses as numbers, in ascending order."""

    firsts: list[int]
    lasts: list[int]

    def contain(self, address: int) -> bool:
        index = bisect_right(self.firsts, address) - 1
        return index >= 0 and address <= self.lasts[index]


def _in_networks(networks: tuple[str, ...], addresses: pl.Series) -> pl.Series:
    """The empty address is in no network."""
    ranges = _ranges_by_version(networks)

    def contains(text: str) -> bool:
        address = ipaddress.ip_address(text)
        return ranges[address.version].contain(int(address))

    return pl.Series([text != "" and contains(text) for text in addresses], dtype=pl.Boolean)


@lru_cache(256)
def _ranges_by_version(networks: tuple[str, ...]) -> dict[int, NetworkRanges]:
    """Merges the networks into ranges, for IPv4 and IPv6."""
    parsed = [ipaddress.ip_network(text) for text in networks]
    ranges = {}
    for version in (4, 6):
        merged = list(ipaddress.collapse_addresses([net for net in parsed if net.version == version]))  # type: ignore[type-var]
        ranges[version] = NetworkRanges([int(net[0]) for net in merged], [int(net[-1]) for net in merged])
    return ranges
