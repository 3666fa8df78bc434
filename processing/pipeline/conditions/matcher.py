"""Evaluates the conditions of rules on a frame. Conditions on one field are evaluated once per distinct value."""

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Final

import polars as pl

from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork
from processing.pipeline.conditions.dictionary_column import DictionaryColumn, combinations
from processing.pipeline.conditions.field_values import ADDRESS, UnknownField, field_column
from processing.pipeline.conditions.value_conditions import Numbered, expression, first_on_values, least

__all__ = ["LONGEST", "Matcher", "UnknownField", "field_of"]

LONGEST: Final = 2_048  # conditions see this many characters of a value, so that no text makes a pattern slow
SEVERAL: Final = ""  # stands for the field of a condition that depends on several


class Matcher:
    """Evaluates conditions on one frame. A field is encoded when a condition first needs it, and kept."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame, self._height = frame, frame.height
        self._columns: dict[str, DictionaryColumn] = {}
        self._values: dict[str, pl.DataFrame] = {}

    def mask(self, condition: Condition | None) -> pl.Series:
        """Returns True for the rows that the condition holds for, never null. None holds everywhere."""
        if condition is None:
            return pl.repeat(value=True, n=self._height, dtype=pl.Boolean, eager=True)
        field = field_of(condition)
        if field != SEVERAL:
            return self.column(field).rows(self._mask_of_values(field, condition))
        if not isinstance(condition, AllOf | AnyOf):
            raise TypeError(f"{condition!r} has no field")
        return self._combine(condition, [self.mask(part) for part in condition.of])

    def first(self, conditions: Sequence[Condition]) -> pl.Series:
        """Returns for each row the number of the first condition that holds, null where none does."""
        by_field: dict[str, Numbered] = {}
        for number, condition in enumerate(conditions):
            by_field.setdefault(field_of(condition), []).append((number, condition))
        first = pl.repeat(None, self._height, dtype=pl.UInt32, eager=True)
        for field, numbered in by_field.items():
            if field == SEVERAL:
                first = least(first, self._first_of_several_fields(numbered))
            else:
                first = least(first, self.column(field).rows(first_on_values(numbered, self._values_of(field))))
        return first

    def column(self, field: str) -> DictionaryColumn:
        """Returns the field's values. Raises UnknownField."""
        if field not in self._columns:
            self._columns[field] = field_column(field, self._frame)
        return self._columns[field]

    def put(self, field: str, column: DictionaryColumn) -> None:
        """Replaces the field's values, for all later calls."""
        self._columns[field] = column
        self._values.pop(field, None)

    def change(self, field: str, condition: Condition | None, change: Callable[[pl.Series], pl.Series]) -> None:
        """Applies `change` to the field's values where the condition holds, for all later calls."""
        column = self.column(field)
        if condition is None:
            self.put(field, column.map(change))
        elif field_of(condition) == field:
            holds = self._mask_of_values(field, condition)
            self.put(field, column.map(lambda values: change(values).zip_with(holds, values)))
        else:
            self.put(field, column.map_where(self.mask(condition), change))

    def _values_of(self, field: str) -> pl.DataFrame:
        """Returns the distinct values as conditions see them: `value`, cut, and `folded`, in lower case as well."""
        if field not in self._values:
            cut = self.column(field).values.str.slice(0, LONGEST)
            self._values[field] = pl.DataFrame({"value": cut, "folded": cut.str.to_lowercase()})
        return self._values[field]

    def _mask_of_values(self, field: str, condition: Condition) -> pl.Series:
        return self._values_of(field).select(expression(condition).alias("holds")).to_series()

    def _combine(self, group: AllOf | AnyOf, masks: list[pl.Series]) -> pl.Series:
        """A group without parts: all of them hold, and none of them does."""
        is_all = isinstance(group, AllOf)
        start = pl.repeat(is_all, self._height, dtype=pl.Boolean, eager=True)
        mask = reduce((lambda a, b: a & b) if is_all else (lambda a, b: a | b), masks, start)
        return ~mask if group.negated else mask

    def _first_of_several_fields(self, numbered: Numbered) -> pl.Series:
        """Evaluates the conditions once per combination of their fields' values, if these are fewer than the rows."""
        fields = sorted(frozenset[str]().union(*(fields_of(condition) for _, condition in numbered)))
        combined = combinations([self.column(field) for field in fields])
        if combined is None:
            return self._first_of_masks(numbered)
        columns, row = combined
        narrow = Matcher(pl.DataFrame(height=len(columns[0].codes)))
        narrow._columns, narrow._values = dict(zip(fields, columns, strict=True)), self._values
        return narrow._first_of_masks(numbered).gather(row)

    def _first_of_masks(self, numbered: Numbered) -> pl.Series:
        masks = ((number, self.mask(condition)) for number, condition in numbered)
        return reduce(
            least,
            (pl.select(pl.when(mask).then(pl.lit(number, dtype=pl.UInt32))).to_series() for number, mask in masks),
        )


@lru_cache(4_096)
def fields_of(condition: Condition) -> frozenset[str]:
    """Returns the fields that a condition depends on."""
    if isinstance(condition, AllOf | AnyOf):
        return frozenset().union(*(fields_of(part) for part in condition.of))
    return frozenset({ADDRESS if isinstance(condition, InNetwork) else condition.field})


def field_of(condition: Condition) -> str:
    """Returns the one field that a condition depends on, SEVERAL if there is not exactly one."""
    fields = fields_of(condition)
    return next(iter(fields)) if len(fields) == 1 else SEVERAL
