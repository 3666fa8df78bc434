"""The filters of a page, read from its address: one parameter `f` for each value, such as `f=country:is:Germany`.

Values of the same dimension and operator belong together: `is` holds for any of them, `not` for none of them. All
chips must hold.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from reporting.dashboard.labels import DIMENSION_LABELS
from reporting.dashboard.quoting import quoted
from reporting.model.report import And, Filter, InListFilter, Match, Not, Or, StringFilter
from reporting.query.filters import LONGEST_VALUE
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import Dimension

MOST_CHIPS: Final = 20


class Operator(NamedTuple):
    """`match` of each value; `excludes`: rows that match are left out."""

    words: str
    match: Match
    excludes: bool = False


OPERATORS: Final = {
    "is": Operator("is", "EXACT"),
    "not": Operator("is not", "EXACT", excludes=True),
    "has": Operator("contains", "CONTAINS"),
    "hasnot": Operator("does not contain", "CONTAINS", excludes=True),
    "begins": Operator("begins with", "BEGINS_WITH"),
    "ends": Operator("ends with", "ENDS_WITH"),
    "matches": Operator("matches", "PARTIAL_REGEXP"),
    "matchesnot": Operator("does not match", "PARTIAL_REGEXP", excludes=True),
}


class Chip(NamedTuple):
    dimension: str
    label: str
    operator: str  # a key of OPERATORS
    values: tuple[str, ...]

    @property
    def words(self) -> str:
        """Such as `Country is Germany or Austria`."""
        conjunction = " nor " if OPERATORS[self.operator].excludes else " or "
        values = conjunction.join(value or "(empty)" for value in self.values)
        return f"{self.label} {OPERATORS[self.operator].words} {values}"

    def parameters(self) -> list[str]:
        """The values of `f` that make this chip."""
        return [f"{self.dimension}:{self.operator}:{value}" for value in self.values]

    def as_filter(self) -> Filter:
        operator = OPERATORS[self.operator]
        if operator.match == "EXACT":
            found: Filter = InListFilter(self.dimension, self.values, case_sensitive=True)
        else:
            texts = tuple(StringFilter(self.dimension, value, operator.match) for value in self.values)
            found = texts[0] if len(texts) == 1 else Or(texts)
        return Not(found) if operator.excludes else found


def read_chips(parameters: Sequence[str], custom: Mapping[str, Dimension]) -> tuple[tuple[Chip, ...], list[str]]:
    """Reads the values of `f` -> chips, and what of them could not be followed, each in a sentence."""
    known = {**DIMENSIONS, **custom}
    read, complaints = dict[tuple[str, str], list[str]](), list[str]()
    for parameter in parameters[:MOST_CHIPS]:
        name = max((each for each in known if parameter.startswith(f"{each}:")), key=len, default="")
        operator, _, value = parameter[len(name) + 1 :].partition(":")
        if not name:
            complaints.append(f"The filter {quoted(parameter)} names no dimension, and was left out.")
        elif operator not in OPERATORS or len(value) > LONGEST_VALUE:
            complaints.append(f"The filter {quoted(parameter)} cannot be read, and was left out.")
        else:
            read.setdefault((name, operator), []).append(value)
    if len(parameters) > MOST_CHIPS:
        complaints.append(f"Only the first {MOST_CHIPS} filters are used.")
    chips = (
        Chip(name, DIMENSION_LABELS.get(name, known[name].label), operator, unique(values))
        for (name, operator), values in read.items()
    )
    return tuple(chips), complaints


def unique(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def filter_of(chips: Sequence[Chip]) -> Filter | None:
    """What must hold for all chips; None without chips."""
    filters = tuple(chip.as_filter() for chip in chips)
    return And(filters) if len(filters) > 1 else next(iter(filters), None)
