"""Dimensions and metrics of web vitals and errors, from the manual's definitions.

A fact has `vital`, its name and value in thousandths of its unit, or `error`, its message and whether it is fatal.
"""

from collections.abc import Callable
from math import ceil
from typing import Any

Fact = dict[str, Any]

# thousandths: up to the first is good, above the second is poor
THRESHOLDS = {
    "LCP": (2_500_000, 4_000_000),
    "INP": (200_000, 500_000),
    "CLS": (100, 250),
    "FCP": (1_800_000, 3_000_000),
    "TTFB": (800_000, 1_800_000),
}
RATINGS = {"Good": "good", "NeedsImprovement": "needs improvement", "Poor": "poor"}


def _rating(fact: Fact) -> str:
    if "vital" not in fact:
        return "(not set)"
    name, value = fact["vital"]
    good, poor = THRESHOLDS[name]
    return "good" if value <= good else "needs improvement" if value <= poor else "poor"


def _values(rows: list[Fact], name: str) -> list[int]:
    return sorted(fact["vital"][1] for fact in rows if fact.get("vital", ("", 0))[0] == name)


def _p75(name: str) -> Callable[[list[Fact]], float]:
    def value(rows: list[Fact]) -> float:
        values = _values(rows, name)
        return values[ceil(len(values) * 3 / 4) - 1] / 1000 if values else 0.0

    return value


def _count(name: str) -> Callable[[list[Fact]], float]:
    return lambda rows: len(_values(rows, name))


def _share(name: str, rating: str) -> Callable[[list[Fact]], float]:
    def value(rows: list[Fact]) -> float:
        measured = [fact for fact in rows if fact.get("vital", ("", 0))[0] == name]
        return sum(_rating(fact) == rating for fact in measured) / len(measured) if measured else 0.0

    return value


def _is_error(fact: Fact) -> bool:
    return fact["event"] in ("exception", "app_exception")


def _is_fatal(fact: Fact) -> bool:
    return bool(fact.get("error", ("", False))[1])


def _number_of(rows: list[Fact], what: str, condition: Callable[[Fact], bool] = lambda _fact: True) -> int:
    return len({fact[what] for fact in rows if condition(fact)})


def _free(rows: list[Fact], what: str, condition: Callable[[Fact], bool]) -> float:
    every = _number_of(rows, what)
    return (every - _number_of(rows, what, condition)) / every if every else 0.0


QUALITY_DIMENSIONS: dict[str, Callable[[Fact], str]] = {
    "webVitalName": lambda fact: fact["vital"][0] if "vital" in fact else "(not set)",
    "webVitalRating": _rating,
    "errorMessage": lambda fact: fact["error"][0] if "error" in fact else "(not set)",
    "errorFatal": lambda fact: ("yes" if fact["error"][1] else "no") if "error" in fact else "(not set)",
}
QUALITY_METRICS: dict[str, Callable[[list[Fact]], float]] = {
    **{f"{name.lower()}P75": _p75(name) for name in THRESHOLDS},
    **{f"{name.lower()}Count": _count(name) for name in THRESHOLDS},
    **{f"{name.lower()}{word}Rate": _share(name, rating) for name in THRESHOLDS for word, rating in RATINGS.items()},
    "errors": lambda rows: sum(_is_error(fact) for fact in rows),
    "fatalErrors": lambda rows: sum(_is_fatal(fact) for fact in rows),
    "errorFreeSessionRate": lambda rows: _free(rows, "session", _is_error),
    "crashAffectedUsers": lambda rows: _number_of(rows, "visitor", _is_fatal),
    "crashFreeUsersRate": lambda rows: _free(rows, "visitor", _is_fatal),
}
