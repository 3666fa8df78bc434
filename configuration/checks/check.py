"""Finds all errors of a ruleset at once, with messages that say what to do. Pure: no Django, no clock."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from configuration.checks.conditions import fields_of
from configuration.checks.content_groups import check_content_groups
from configuration.checks.dead_rules import check_dead_rules
from configuration.checks.rules import MOST_SLOTS, check_rule, check_settings, conditions_of
from configuration.ruleset.fields import CONTENT_GROUP, family_member
from configuration.ruleset.findings import Finding, RulePlace
from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import (
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    KeyEventRule,
    RewriteRule,
    Rule,
    Ruleset,
)

__all__ = ["MOST_RULES", "Finding", "check"]

MOST_RULES: Final = 500
Placed = list[tuple[Rule, RulePlace]]


def check(ruleset: Ruleset) -> list[Finding]:
    """Errors and warnings: of the settings, then of each rule, then of rules together."""
    if len(ruleset.rules) > MOST_RULES:
        most = f"There are {len(ruleset.rules)} rules; at most {MOST_RULES} are allowed."
        return [RulePlace("ruleset", "", "rules").error(most)]
    placed: Placed = [(r, RulePlace(kind_of(r), r.name, f"rules[{n}]")) for n, r in enumerate(ruleset.rules)]
    found = list(check_settings(ruleset.settings))
    found += [finding for rule, place in placed for finding in check_rule(rule, place)]
    for together in TOGETHER:
        found += together(placed)
    return found


def _twice(placed: Placed) -> Iterator[Finding]:
    names = Counter((place.kind, rule.name) for rule, place in placed)
    seen = set()
    for rule, place in placed:
        if names[place.kind, rule.name] > 1 and (place.kind, rule.name) in seen:
            yield place.at("name").error(f"Another {place.kind} is called {rule.name[:60]!r}; give it another name.")
        seen.add((place.kind, rule.name))


def _same_parameter(placed: Placed) -> Iterator[Finding]:
    seen = set()
    for rule, place in placed:
        if not isinstance(rule, CustomDimensionRule | CustomMetricRule):
            continue
        key = place.kind, rule.parameter, getattr(rule, "scope", "")
        if key in seen:
            yield place.at("parameter").error(f"Another {place.kind} has {rule.parameter[:60]!r} already.")
        seen.add(key)


def _slots(placed: Placed) -> Iterator[Finding]:
    once = [(rule, place) for rule, place in placed if isinstance(rule, KeyEventRule) and rule.once == "session"]
    for _, place in once[MOST_SLOTS:]:
        yield place.at("once").error(
            f"At most {MOST_SLOTS} key events can count once a session; let it count each time."
        )
    slots = Counter(rule.slot for rule, _ in once if rule.slot is not None)
    for rule, place in once:
        if rule.slot is not None and slots[rule.slot] > 1:
            yield place.at("slot").error(f"Several key events have the slot {rule.slot}; publishing must give others.")


def _unknown_groups(placed: Placed) -> Iterator[Finding]:
    """Conditions on content groups that are not defined, or not on."""
    states = {rule.name: rule.state for rule, _ in placed if isinstance(rule, ContentGroupRule)}
    for rule, place in placed:
        for condition, where in conditions_of(rule, place):
            for field, at in fields_of(condition, where):
                name = family_member(field, CONTENT_GROUP)
                if name and name not in states:
                    yield at.error(f"There is no content group called {name[:60]!r}; define it, or name another.")
                elif name and states[name] != "on":
                    yield at.warning(f"The content group {name[:60]!r} is {states[name]}: the field is always empty.")


def _undone(placed: Placed) -> Iterator[Finding]:
    """Neighbouring rewrites, the second of which undoes the first."""
    plain = [
        (r, place) for r, place in placed if isinstance(r, RewriteRule) and r.change == "replace" and not r.pattern
    ]
    for (first, _), (second, place) in pairwise(plain):
        back = (second.search, second.replacement) == (first.replacement, first.search)
        if back and first.field == second.field and first.search != first.replacement:
            yield place.warning(f"It undoes what {first.name[:60]!r} does; switch one of them off.")


TOGETHER: Final = (_twice, _same_parameter, _slots, _unknown_groups, check_content_groups, _undone, check_dead_rules)
