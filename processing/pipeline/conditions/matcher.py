"""Which rows of a frame a rule's conditions hold for. Conditions on one field are asked once a distinct value."""

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork
from processing.pipeline.conditions.dictionary_column import DictionaryColumn, combinations
from processing.pipeline.conditions.field_values import ADDRESS, UnknownField, texts_of
from processing.pipeline.conditions.value_conditions import Numbered, expression, first_on_values, least

__all__ = ["LONGEST", "Matcher", "UnknownField", "field_of"]

LONGEST: Final = 2_048  # characters of a value that conditions see, so that no text makes a pattern slow
SEVERAL: Final = ""  # stands for the field where there are several


class Matcher:
    """Evaluates conditions on one frame. Each field's distinct values are found when a condition first names it."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame, self._height = frame, frame.height
        self._texts: dict[str, DictionaryColumn] = {}
        self._values: dict[str, pl.DataFrame] = {}

    def mask(self, condition: Condition | None) -> pl.Series:
        """True where the condition holds, never null; without a condition everywhere."""
        if condition is None:
            return pl.repeat(value=True, n=self._height, dtype=pl.Boolean, eager=True)
        field = field_of(condition)
        if field != SEVERAL:
            return self.text(field).rows(self._on_values(field, expression(condition)))
        if not isinstance(condition, AllOf | AnyOf):
            raise TypeError(f"{condition!r} has no field")
        masks = [self.mask(part) for part in condition.of]
        return _combined(condition, masks, self._height)

    def first(self, conditions: Sequence[Condition]) -> pl.Series:
        """For each row the number of the first condition that holds, null where none does."""
        numbered = list(enumerate(conditions))
        fields = {number: field_of(condition) for number, condition in numbered}
        found = pl.repeat(None, self._height, dtype=pl.UInt32, eager=True)
        for field in dict.fromkeys(fields.values()):
            here = [each for each in numbered if fields[each[0]] == field]
            more = self._first_of_several(here) if field == SEVERAL else self._first_on(field, here)
            found = least(found, more)
        return found

    def text(self, field: str) -> DictionaryColumn:
        """The field's values. Raises UnknownField."""
        if field not in self._texts:
            self._texts[field] = texts_of(field, self._frame)
        return self._texts[field]

    def put(self, field: str, texts: DictionaryColumn) -> None:
        """From now on the field has these values."""
        self._texts[field] = texts
        self._values.pop(field, None)

    def change(self, field: str, condition: Condition | None, change: Callable[[pl.Series], pl.Series]) -> None:
        """From now on the field has what `change` makes of its values where the condition holds."""
        texts = self.text(field)
        if condition is None:
            self.put(field, texts.map(change))
        elif field_of(condition) == field:
            here = self._on_values(field, expression(condition))
            self.put(field, texts.map(lambda values: change(values).zip_with(here, values)))
        else:
            self.put(field, texts.where(self.mask(condition), change))

    def _values_of(self, field: str) -> pl.DataFrame:
        """The distinct values as `value` (cut) and `folded` (in small letters too)."""
        if field not in self._values:
            cut = self.text(field).values.str.slice(0, LONGEST)
            self._values[field] = pl.DataFrame({"value": cut, "folded": cut.str.to_lowercase()})
        return self._values[field]

    def _on_values(self, field: str, expression: pl.Expr) -> pl.Series:
        return self._values_of(field).select(expression.alias("found")).to_series()

    def _first_on(self, field: str, numbered: Numbered) -> pl.Series:
        """Conditions on one field."""
        return self.text(field).rows(first_on_values(numbered, self._values_of(field)))

    def _first_of_several(self, numbered: Numbered) -> pl.Series:
        """Conditions on several fields: once for each combination of values, where these are fewer than the rows."""
        fields = sorted(frozenset[str]().union(*(fields_of(condition) for _, condition in numbered)))
        combined = combinations([self.text(field) for field in fields])
        if combined is None:
            return reduce(least, (_where(self.mask(each), n) for n, each in numbered))
        texts, place = combined
        narrow = Matcher(pl.DataFrame(height=len(texts[0].codes)))
        narrow._texts, narrow._values = dict(zip(fields, texts, strict=True)), self._values
        return reduce(least, (_where(narrow.mask(each), n) for n, each in numbered)).gather(place)


def _where(mask: pl.Series, number: int) -> pl.Series:
    return pl.select(pl.when(mask).then(pl.lit(number, dtype=pl.UInt32))).to_series()


def _combined(group: AllOf | AnyOf, masks: list[pl.Series], height: int) -> pl.Series:
    """Without parts, all of them hold and none of them does."""
    every = isinstance(group, AllOf)
    start = pl.repeat(every, height, dtype=pl.Boolean, eager=True)
    mask = reduce((lambda a, b: a & b) if every else (lambda a, b: a | b), masks, start)
    return ~mask if group.negated else mask


@lru_cache(4_096)
def fields_of(condition: Condition) -> frozenset[str]:
    """The fields that decide a condition."""
    if isinstance(condition, AllOf | AnyOf):
        return frozenset().union(*(fields_of(part) for part in condition.of))
    return frozenset({ADDRESS if isinstance(condition, InNetwork) else condition.field})


def field_of(condition: Condition) -> str:
    """The one field that decides a condition, SEVERAL where there are more or none."""
    fields = fields_of(condition)
    return next(iter(fields)) if len(fields) == 1 else SEVERAL
