"""Finds the events of users' segments slowly, from the manual's definitions. Shares no code with the product but the
values of definitions.
"""

import operator
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from reporting.model import audience as model
from reporting.model import report as filters
from tests.support.oracle_reports import DIMENSIONS, METRICS, Fact

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "EQUAL": operator.eq,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
}


def chosen(facts: Sequence[Fact], audience: model.Audience) -> list[Fact]:
    """Returns the facts of the audience, of those of some days."""
    if audience.scope == "event":
        return [fact for fact in facts if _is_in([fact], audience)]
    key = {"user": "visitor", "session": "session"}[audience.scope]
    groups = defaultdict(list)
    for fact in facts:
        groups[fact[key]].append(fact)
    members = {name for name, own in groups.items() if _is_in(own, audience)}
    return [fact for fact in facts if fact[key] in members]


def _is_in(own: list[Fact], audience: model.Audience) -> bool:
    included = audience.include is None or meets(own, audience.include)
    return included and not (audience.exclude is not None and meets(own, audience.exclude))


def meets(own: list[Fact], condition: model.Condition) -> bool:
    """Returns whether these events, all of one user or session, meet the condition."""
    match condition:
        case model.AllOf(conditions):
            return all(meets(own, each) for each in conditions)
        case model.AnyOf(conditions):
            return any(meets(own, each) for each in conditions)
        case model.Negated(each):
            return not meets(own, each)
        case model.Events(filter, metric, operation, value):
            counted = [fact for fact in own if accepts(fact, filter)]
            return COMPARE[operation](METRICS[metric](counted), value)
        case model.InOneSession(each):
            sessions = {fact["session"] for fact in own}
            return any(meets([fact for fact in own if fact["session"] == name], each) for name in sessions)
        case model.Sequence(steps):
            ordered = sorted(own, key=lambda fact: (fact["time"], fact["sequence"], fact["hit"], fact["index"]))
            return _goes_on(ordered, list(steps), -1)
    raise AssertionError(condition)


def _goes_on(own: list[Fact], steps: list[model.Step], before: int) -> bool:
    """Tries every event behind the one of the step before."""
    if not steps:
        return True
    step, *later = steps
    for place in range(before + 1, len(own)):
        if not accepts(own[place], step.filter):
            continue
        if step.directly and place != before + 1:
            continue
        if step.within_seconds is not None and own[place]["time"] - own[before]["time"] > step.within_seconds * 1000:
            continue
        if _goes_on(own, later, place):
            return True
    return False


def accepts(fact: Fact, tree: filters.Filter | None) -> bool:
    match tree:
        case None:
            return True
        case filters.And(trees):
            return all(accepts(fact, each) for each in trees)
        case filters.Or(trees):
            return any(accepts(fact, each) for each in trees)
        case filters.Not(each):
            return not accepts(fact, each)
        case filters.StringFilter(field, value, "EXACT", _):
            return DIMENSIONS[field](fact).lower() == value.lower()
        case filters.InListFilter(field, values, _):
            return DIMENSIONS[field](fact).lower() in [value.lower() for value in values]
    raise AssertionError(tree)


def named(field: str, *values: str) -> filters.Filter:
    """Returns a filter that these values pass."""
    return filters.InListFilter(field, values) if len(values) > 1 else filters.StringFilter(field, values[0])


def having(field: str, *values: str, **metric: Any) -> model.Events:
    return model.Events(named(field, *values), **metric)
