"""Describes segments in plain sentences, for lists. Texts of users stand in quotation marks; pages escape the whole."""

from collections.abc import Sequence
from typing import Final

from reporting.model import audience as model
from reporting.model import report as filters
from reporting.model.audience import Audience, Condition
from reporting.model.report import Filter, Leaf

FEW: Final = 5
MATCHES: Final[dict[filters.Match, str]] = {
    "EXACT": "is",
    "BEGINS_WITH": "begins with",
    "ENDS_WITH": "ends with",
    "CONTAINS": "contains",
    "FULL_REGEXP": "matches wholly",
    "PARTIAL_REGEXP": "matches",
}
COMPARED: Final[dict[filters.Comparison, str]] = {
    "EQUAL": "is",
    "LESS_THAN": "is less than",
    "LESS_THAN_OR_EQUAL": "is at most",
    "GREATER_THAN": "is more than",
    "GREATER_THAN_OR_EQUAL": "is at least",
}
ONE: Final[dict[model.Scope, str]] = {"user": "Users", "session": "Sessions", "event": "Events"}


def describe_audience(audience: Audience) -> str:
    """Returns a sentence: `Users with an event where eventName is “purchase”, without …`."""
    parts = [ONE[audience.scope]]
    if audience.include is not None:
        parts.append(f"with {_condition(audience.include)}")
    if audience.exclude is not None:
        parts.append(f"without {_condition(audience.exclude)}")
    return f"{' '.join(parts[:2])}{''.join(f', {part}' for part in parts[2:])}."


def _condition(tree: Condition) -> str:
    match tree:
        case model.AllOf(children):
            return _joined([_condition(each) for each in children], "and")
        case model.AnyOf(children):
            return _joined([_condition(each) for each in children], "or")
        case model.Negated(child):
            return f"not ({_condition(child)})"
        case model.InOneSession(child):
            return f"a session with {_condition(child)}"
        case model.Sequence(steps):
            return ", ".join(_step(step, first=number == 0) for number, step in enumerate(steps))
    if tree.asks_for_any():
        return f"an event{_where(tree.filter)}"
    return f"events{_where(tree.filter)} whose {tree.metric} {COMPARED[tree.operation]} {tree.value:g}"


def _step(step: model.Step, *, first: bool) -> str:
    if first:
        return f"an event{_where(step.filter)}"
    how = "directly" if step.directly else "later"
    within = "" if step.within_seconds is None else f" within {step.within_seconds} seconds"
    return f"{how}{within} one{_where(step.filter)}"


def _where(tree: Filter | None) -> str:
    return "" if tree is None else f" where {_filter(tree)}"


def _filter(tree: Filter) -> str:
    match tree:
        case filters.And(children):
            return _joined([_filter(each) for each in children], "and")
        case filters.Or(children):
            return _joined([_filter(each) for each in children], "or")
        case filters.Not(child):
            return f"not ({_filter(child)})"
    return _leaf(tree)


def _leaf(leaf: Leaf) -> str:
    match leaf:
        case filters.StringFilter(field, value, match):
            return f"{field} {MATCHES[match]} “{value}”"
        case filters.InListFilter(field, values):
            more = f" and {len(values) - FEW} more" if len(values) > FEW else ""
            return f"{field} is one of {', '.join(f'“{value}”' for value in values[:FEW])}{more}"
        case filters.NumericFilter(field, operation, value):
            return f"{field} {COMPARED[operation]} {value:g}"
        case filters.BetweenFilter(field, low, high):
            return f"{field} is between {low:g} and {high:g}"
    return f"{leaf.field} is empty"


def _joined(parts: Sequence[str], word: str) -> str:
    return parts[0] if len(parts) == 1 else f"({f' {word} '.join(parts)})"
