"""Which rows of a frame a rule's conditions hold for. Conditions on one field are asked once a distinct value."""

import ipaddress
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Final, NamedTuple, TypeVar

import polars as pl

from configuration.fields import CONTENT_GROUP, FIELDS, PARAMETER, USER_PROPERTY
from configuration.patterns import rust_pattern
from configuration.ruleset import AllOf, AnyOf, Condition, InNetwork, Leaf, OneOf
from processing.addresses import authority, host_of
from processing.custom import GROUP, extract
from processing.parameters import EVENT_PARAMETER, USER_PARAMETER, parameter
from processing.texts import Texts, distinct

LONGEST: Final = 2_048  # characters of a value that conditions see, so that no text makes a pattern slow
ADDRESS: Final = "address"
Mask = TypeVar("Mask", pl.Series, pl.Expr)

SEVERAL: Final = ""  # stands for the field where there are several

# Fields that are columns of another name; what is missing here is a column of its own name.
COLUMNS: Final[dict[str, str]] = {
    "title": "dt",
    "referrer": "dr",
    "language": "ul",
    "screen": "sr",
    "traffic_type": "tt",
    "currency": "cu",
}


class Matcher:
    """Evaluates conditions on one frame. Each field's distinct values are found when a condition first names it."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._texts: dict[str, Texts] = {}
        self._values: dict[str, pl.DataFrame] = {}

    def mask(self, condition: Condition | None) -> pl.Series:
        """True where the condition holds, never null; without a condition everywhere."""
        if condition is None:
            return pl.repeat(value=True, n=self.frame.height, dtype=pl.Boolean, eager=True)
        field = field_of(condition)
        if field != SEVERAL:
            return self.text(field).rows(self._on_values(field, _expression(condition)))
        if not isinstance(condition, AllOf | AnyOf):
            raise TypeError(f"{condition!r} has no field")
        masks = [self.mask(part) for part in condition.of]
        return _negated(_combined(condition, masks, self.frame.height), condition)

    def first(self, conditions: Sequence[Condition]) -> pl.Series:
        """For each row the number of the first condition that holds, null where none does."""
        fields = [field_of(condition) for condition in conditions]
        found = []
        for field in dict.fromkeys(fields):
            numbered = [(n, each) for n, each in enumerate(conditions) if fields[n] == field]
            if field == SEVERAL:
                found += [self._number_where(each, n) for n, each in numbered]
            else:
                found.append(self.text(field).rows(self._on_values(field, _first_of(numbered))))
        if not found:
            return pl.repeat(None, self.frame.height, dtype=pl.UInt32, eager=True)
        return pl.select(pl.min_horizontal(found)).to_series()

    def text(self, field: str) -> Texts:
        """The field's values. Raises UnknownField."""
        if field not in self._texts:
            self._texts[field] = _texts_of(field, self.frame)
        return self._texts[field]

    def put(self, field: str, texts: Texts) -> None:
        """From now on the field has these values."""
        self._texts[field] = texts
        self._values.pop(field, None)

    def change(self, field: str, condition: Condition | None, change: Callable[[pl.Series], pl.Series]) -> None:
        """From now on the field has what `change` makes of its values where the condition holds."""
        texts = self.text(field)
        if condition is None:
            self.put(field, texts.map(change))
        elif field_of(condition) == field:
            here = self._on_values(field, _expression(condition))
            self.put(field, texts.map(lambda values: change(values).zip_with(here, values)))
        else:
            self.put(field, texts.where(self.mask(condition), change))

    def _on_values(self, field: str, expression: pl.Expr) -> pl.Series:
        """An expression over `value` (cut) and `folded` (in small letters too), on the field's distinct values."""
        if field not in self._values:
            cut = self.text(field).values.str.slice(0, LONGEST)
            self._values[field] = pl.DataFrame({"value": cut, "folded": cut.str.to_lowercase()})
        return self._values[field].select(expression.alias("found")).to_series()

    def _number_where(self, condition: Condition, number: int) -> pl.Series:
        return pl.select(pl.when(self.mask(condition)).then(pl.lit(number, dtype=pl.UInt32))).to_series()


class UnknownField(ValueError):
    """No field has this name: the ruleset was not checked."""


def _combined(group: AllOf | AnyOf, masks: list[pl.Series], height: int) -> pl.Series:
    """Without parts, all of them hold and none of them does."""
    every = isinstance(group, AllOf)
    start = pl.repeat(every, height, dtype=pl.Boolean, eager=True)
    return reduce((lambda a, b: a & b) if every else (lambda a, b: a | b), masks, start)


def _negated(found: Mask, condition: Condition) -> Mask:
    return ~found if condition.negated else found


@lru_cache(4_096)
def field_of(condition: Condition) -> str:
    """The one field that decides a condition, SEVERAL where there are more or none."""
    if isinstance(condition, AllOf | AnyOf):
        fields = {field_of(part) for part in condition.of}
        return fields.pop() if len(fields) == 1 else SEVERAL
    return ADDRESS if isinstance(condition, InNetwork) else condition.field


def _first_of(numbered: list[tuple[int, Condition]]) -> pl.Expr:
    found = [pl.when(_expression(each)).then(pl.lit(number, dtype=pl.UInt32)) for number, each in numbered]
    return pl.coalesce(found)


def _expression(condition: Condition) -> pl.Expr:
    """A condition on a single field over the columns `value` and `folded`."""
    if isinstance(condition, AllOf | AnyOf):
        parts = [_expression(part) for part in condition.of]
        whole = pl.all_horizontal(parts) if isinstance(condition, AllOf) else pl.any_horizontal(parts)
        return _negated(whole, condition)
    return _negated(_leaf(condition), condition)


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


class Ranges(NamedTuple):
    """Disjoint ranges of addresses as numbers, in order."""

    firsts: list[int]
    lasts: list[int]

    def contain(self, address: int) -> bool:
        place = bisect_right(self.firsts, address) - 1
        return place >= 0 and address <= self.lasts[place]


def _in_networks(networks: tuple[str, ...], addresses: pl.Series) -> pl.Series:
    ranges = _ranges(networks)
    return pl.Series([_lies_in(text, ranges) for text in addresses], dtype=pl.Boolean)


def _lies_in(text: str, ranges: dict[int, Ranges]) -> bool:
    if not text:
        return False
    address = ipaddress.ip_address(text)
    return ranges[address.version].contain(int(address))


@lru_cache(256)
def _ranges(networks: tuple[str, ...]) -> dict[int, Ranges]:
    """By version of the protocol."""
    read = [ipaddress.ip_network(text) for text in networks]
    found = {}
    for version in (4, 6):
        apart = list(ipaddress.collapse_addresses([each for each in read if each.version == version]))  # type: ignore[type-var]
        found[version] = Ranges([int(n[0]) for n in apart], [int(n[-1]) for n in apart])
    return found


def _texts_of(field: str, frame: pl.DataFrame) -> Texts:
    prefix, mark, name = field.partition(":")
    if mark and name and prefix + mark in MEMBERS:
        return MEMBERS[prefix + mark](frame, name)
    if field in DERIVED:
        return DERIVED[field](frame)
    if field not in FIELDS and field != ADDRESS:
        raise UnknownField(field)
    return distinct(frame[COLUMNS.get(field, field)])


def _page(frame: pl.DataFrame) -> Texts:
    return distinct(frame.select(pl.coalesce("dl", "target")).to_series())


def _referrer_host(frame: pl.DataFrame) -> Texts:
    authorities = distinct(frame["dr"]).map(
        lambda values: values.to_frame("v").select(authority(pl.col("v"))).to_series()
    )
    return authorities.each(lambda text: host_of(text or "") or "")


def _content_group(frame: pl.DataFrame, name: str) -> Texts:
    return distinct(frame.select(extract("custom", GROUP + name)).to_series())


DERIVED: Final[dict[str, Callable[[pl.DataFrame], Texts]]] = {"page": _page, "referrer_host": _referrer_host}
MEMBERS: Final[dict[str, Callable[[pl.DataFrame, str], Texts]]] = {
    PARAMETER: lambda frame, name: parameter(frame["rest"], EVENT_PARAMETER, name),
    USER_PROPERTY: lambda frame, name: parameter(frame["rest"], USER_PARAMETER, name),
    CONTENT_GROUP: _content_group,
}
