"""Conditions on a single field, over its distinct values."""

import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from configuration.ruleset.patterns import any_of, rust_pattern
from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork, Leaf, OneOf, Text

Numbered: TypeAlias = list[tuple[int, Condition]]
AT_ONCE: Final = 8  # so many patterns are looked for as one
FEW: Final = 4  # so many conditions are asked sooner than sorted out


def first_on_values(numbered: Numbered, values: pl.DataFrame) -> pl.Series:
    """For each row of `value` and `folded` the least number whose condition holds, null where none does.

    Most values match nothing, so that texts and patterns are looked for together first, and one by one only where any
    of them is.
    """
    found = [_first_where(chosen, values, likely) for chosen, likely in _sorted_out(numbered)]
    return reduce(least, found)


def expression(condition: Condition) -> pl.Expr:
    """A condition on a single field over the columns `value` and `folded`."""
    if isinstance(condition, AllOf | AnyOf):
        parts = [pl.lit(isinstance(condition, AllOf)), *(expression(part) for part in condition.of)]
        whole = pl.all_horizontal(parts) if isinstance(condition, AllOf) else pl.any_horizontal(parts)
        return ~whole if condition.negated else whole
    found = _leaf(condition)
    return ~found if condition.negated else found


def least(first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.min_horizontal(first, second)).to_series()


def _first_where(numbered: Numbered, values: pl.DataFrame, likely: pl.Expr | None) -> pl.Series:
    if likely is None:
        return values.select(_first_of(numbered)).to_series()
    mask = values.select(likely).to_series()
    place = pl.select(pl.when(mask).then(mask.cum_sum() - 1).cast(pl.UInt32)).to_series()
    return values.filter(mask).select(_first_of(numbered)).to_series().gather(place)


def _sorted_out(numbered: Numbered) -> Iterator[tuple[Numbered, pl.Expr | None]]:
    """The conditions in groups, each with an expression that holds wherever one of the group may."""
    plain = [(n, each) for n, each in numbered if isinstance(each, Text) and not each.negated and each.value]
    patterns = [(n, each) for n, each in plain if each.test == "pattern"]
    texts = [(n, each) for n, each in plain if each.test != "pattern"]
    groups = [texts, *(patterns[start : start + AT_ONCE] for start in range(0, len(patterns), AT_ONCE))]
    grouped = [group for group in groups if len(group) > FEW]
    for group in grouped:
        yield [(n, each) for n, each in group], _likely([each for _, each in group])
    taken = {number for group in grouped for number, _ in group}
    left = [(n, each) for n, each in numbered if n not in taken]
    if left:
        yield left, None


def _likely(conditions: list[Text]) -> pl.Expr:
    """True wherever one of the conditions holds: all are patterns, or none is."""
    if conditions[0].test == "pattern":
        return pl.col("value").str.contains(any_of((each.value, each.case_sensitive) for each in conditions))
    return pl.col("folded").str.contains_any(_folded(tuple(each.value for each in conditions), case_sensitive=False))


def _first_of(numbered: Numbered) -> pl.Expr:
    found = [pl.when(expression(each)).then(pl.lit(number, dtype=pl.UInt32)) for number, each in numbered]
    return pl.coalesce(found)


def _leaf(leaf: Leaf) -> pl.Expr:
    if isinstance(leaf, InNetwork):
        return pl.col("value").map_batches(
            lambda values: _in_networks(leaf.networks, values), return_dtype=pl.Boolean()
        )
    text = pl.col("value" if leaf.case_sensitive else "folded")
    if isinstance(leaf, OneOf):
        return text.is_in(_folded(leaf.values, case_sensitive=leaf.case_sensitive))
    if leaf.test == "pattern":
        return pl.col("value").str.contains(rust_pattern(leaf.value, case_sensitive=leaf.case_sensitive))
    [value] = _folded((leaf.value,), case_sensitive=leaf.case_sensitive)
    return TESTS[leaf.test](text, value)


TESTS: Final[dict[str, Callable[[pl.Expr, str], pl.Expr]]] = {
    "equals": lambda text, value: text == value,
    "contains": lambda text, value: text.str.contains(value, literal=True),
    "begins": lambda text, value: text.str.starts_with(value),
    "ends": lambda text, value: text.str.ends_with(value),
}


@lru_cache(4_096)
def _folded(values: tuple[str, ...], *, case_sensitive: bool) -> list[str]:
    """By the same means as the column, so that both are folded alike."""
    texts = pl.Series(values, dtype=pl.String)
    return (texts if case_sensitive else texts.str.to_lowercase()).to_list()


class NetworkRanges(NamedTuple):
    """Disjoint ranges of addresses as numbers, in order."""

    firsts: list[int]
    lasts: list[int]

    def contain(self, address: int) -> bool:
        place = bisect_right(self.firsts, address) - 1
        return place >= 0 and address <= self.lasts[place]


def _in_networks(networks: tuple[str, ...], addresses: pl.Series) -> pl.Series:
    ranges = _ranges(networks)
    return pl.Series([_lies_in(text, ranges) for text in addresses], dtype=pl.Boolean)


def _lies_in(text: str, ranges: dict[int, NetworkRanges]) -> bool:
    if not text:
        return False
    address = ipaddress.ip_address(text)
    return ranges[address.version].contain(int(address))


@lru_cache(256)
def _ranges(networks: tuple[str, ...]) -> dict[int, NetworkRanges]:
    """By version of the protocol."""
    read = [ipaddress.ip_network(text) for text in networks]
    found = {}
    for version in (4, 6):
        apart = list(ipaddress.collapse_addresses([each for each in read if each.version == version]))  # type: ignore[type-var]
        found[version] = NetworkRanges([int(n[0]) for n in apart], [int(n[-1]) for n in apart])
    return found
