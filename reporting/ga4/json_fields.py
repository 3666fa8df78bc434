"""Reads JSON objects of the GA4 Data API as its clients spell them: field names in camelCase or snake_case, enums as
names or numbers, 64-bit integers as numbers or text.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from reporting.model.report import ReportError, unknown

V = TypeVar("V")

LARGEST_INTEGER: Final = 2**63 - 1


class JsonObject:
    """One JSON object, which may have the known fields only. A field that is null is missing.

    Raises ReportError for a value of another type, with the place, such as `dimensionFilter.filter` ("": the request).
    """

    def __init__(self, value: object, place: str, known: tuple[str, ...]) -> None:
        if not isinstance(value, dict):
            raise ReportError(f"{place or 'The request'} must be a JSON object.")
        self.place = place
        self._values = {_camel_case(name): field for name, field in value.items() if field is not None}
        for name in self._values:
            if name not in known:
                raise unknown(f"field of {place or 'the request'}", name, known)

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """Returns "" if the field is missing."""
        return self._of_type(name, str, "a text", "")

    def flag(self, name: str) -> bool:
        """Returns False if the field is missing."""
        return self._of_type(name, bool, "true or false", False)

    def integer(self, name: str) -> int:
        """Returns 0 if the field is missing."""
        value = self._values.get(name, 0)
        if isinstance(value, str) and len(value) <= 20 and value.removeprefix("-").isascii():
            value = int(value) if value.removeprefix("-").isdigit() else value
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_INTEGER:
            raise ReportError(f"{self.at(name)} must be an integer.")
        return value

    def number(self, name: str) -> float:
        """Returns 0 if the field is missing."""
        value = self._values.get(name, 0.0)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ReportError(f"{self.at(name)} must be a number.")
        return float(value)

    def choice(self, name: str, choices: Mapping[int, V], names: Mapping[str, V], default: V | None = None) -> V:
        """Reads an enum. Returns the default for a missing or unspecified value; without a default, raises."""
        return _chosen(self._values.get(name, 0), self.at(name), choices, names, default)

    def choices(self, name: str, choices: Mapping[int, V], names: Mapping[str, V]) -> tuple[V, ...]:
        """Reads a list of enums."""
        return tuple(_chosen(value, self.at(name), choices, names, None) for value in self.items(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """Reads a list of texts."""
        values = self.items(name)
        if not all(isinstance(value, str) for value in values):
            raise ReportError(f"{self.at(name)} must be a list of texts.")
        return tuple(values)

    def inner(self, name: str, *known: str) -> "JsonObject":
        """Returns the object in a field, with its known fields. Raises ReportError if the field is missing."""
        return JsonObject(self._values.get(name), self.at(name), known)

    def items(self, name: str) -> list[Any]:
        """Returns [] if the field is missing."""
        return self._of_type(name, list, "a list", [])

    def objects(self, name: str, *known: str) -> "list[JsonObject]":
        """Reads a list of objects with these known fields."""
        return [JsonObject(value, f"{self.at(name)}[{n}]", known) for n, value in enumerate(self.items(name))]

    def one_of(self, *names: str) -> str:
        """Returns the only one of these fields that the object has. Raises ReportError if it has none or several."""
        given = [name for name in names if name in self._values]
        if len(given) != 1:
            raise ReportError(f"{self.place or 'The request'} must have exactly one of {', '.join(names)}.")
        return given[0]

    def at(self, name: str) -> str:
        """Returns the place of a field, for error messages."""
        return f"{self.place}.{name}" if self.place else name

    def _of_type(self, name: str, kind: type[V], described: str, default: V) -> V:
        value = self._values.get(name, default)
        if not isinstance(value, kind):
            raise ReportError(f"{self.at(name)} must be {described}.")
        return value


def by_name(choices: Mapping[int, V]) -> dict[str, V]:
    """Returns the values of an enum by their names."""
    return {str(value): value for value in choices.values()}


def _chosen(value: object, place: str, choices: Mapping[int, V], names: Mapping[str, V], default: V | None) -> V:
    if isinstance(value, str) and value in names:
        return names[value]
    if isinstance(value, int) and not isinstance(value, bool) and value in choices:
        return choices[value]
    unspecified = value == 0 or (isinstance(value, str) and value.endswith("_UNSPECIFIED"))
    if unspecified and default is not None:
        return default
    raise ReportError(f"{place} must be one of {', '.join(names)}.")


def _camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)
