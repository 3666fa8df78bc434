"""Reads objects of the GA4 Data API as its clients send them: enums as names or numbers, 64-bit integers as text."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from reporting.model.report import ReportError, unknown

V = TypeVar("V")

LARGEST_INTEGER: Final = 2**63 - 1


class Fields:
    """One JSON object whose field names are known. Errors name the place, such as `dimensionFilter.filter`."""

    def __init__(self, value: object, place: str, known: tuple[str, ...]) -> None:
        if not isinstance(value, dict):
            raise ReportError(f"{place or 'The request'} must be a JSON object.")
        self.place = place
        self._values = {_camel_case(name): each for name, each in value.items() if each is not None}
        for name in self._values:
            if name not in known:
                raise unknown(f"field of {place or 'the request'}", name, known)

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        return self._of_type(name, str, "a text", "")

    def flag(self, name: str) -> bool:
        return self._of_type(name, bool, "true or false", False)

    def integer(self, name: str) -> int:
        """0 where the field is missing."""
        value = self._values.get(name, 0)
        if isinstance(value, str) and len(value) <= 20 and value.removeprefix("-").isascii():
            value = int(value) if value.removeprefix("-").isdigit() else value
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_INTEGER:
            raise ReportError(f"{self.at(name)} must be an integer.")
        return value

    def number(self, name: str) -> float:
        value = self._values.get(name, 0.0)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise ReportError(f"{self.at(name)} must be a number.")
        return float(value)

    def choice(self, name: str, choices: Mapping[int, V], names: Mapping[str, V], default: V | None = None) -> V:
        """Raises ReportError, unless there is a default, where the field is missing."""
        value = self._values.get(name, 0)
        return _chosen(value, self.at(name), choices, names, default)

    def choices(self, name: str, choices: Mapping[int, V], names: Mapping[str, V]) -> tuple[V, ...]:
        return tuple(_chosen(value, self.at(name), choices, names, None) for value in self._list(name))

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise ReportError(f"{self.at(name)} must be a list of texts.")
        return tuple(values)

    def inner(self, name: str, *known: str) -> "Fields":
        """Raises ReportError where the field is missing."""
        return Fields(self._values.get(name), self.at(name), known)

    def items(self, name: str) -> list[Any]:
        return self._list(name)

    def objects(self, name: str, *known: str) -> "list[Fields]":
        return [Fields(value, f"{self.at(name)}[{n}]", known) for n, value in enumerate(self._list(name))]

    def one_of(self, *names: str) -> str:
        """Which of the fields is there. Raises ReportError for none or several."""
        given = [name for name in names if name in self._values]
        if len(given) != 1:
            raise ReportError(f"{self.place or 'The request'} must have exactly one of {', '.join(names)}.")
        return given[0]

    def at(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name

    def _list(self, name: str) -> list[Any]:
        return self._of_type(name, list, "a list", [])

    def _of_type(self, name: str, kind: type[V], described: str, default: V) -> V:
        value = self._values.get(name, default)
        if not isinstance(value, kind):
            raise ReportError(f"{self.at(name)} must be {described}.")
        return value


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
