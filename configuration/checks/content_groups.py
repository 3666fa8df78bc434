"""Checks that content groups use only content groups above them, and never each other in a circle."""

from collections.abc import Iterator

from configuration.checks.conditions import fields_of
from configuration.checks.rules import conditions_of
from configuration.ruleset.fields import CONTENT_GROUP, family_member
from configuration.ruleset.findings import Finding, RulePlace
from configuration.ruleset.ruleset import ContentGroupRule, Rule


def check_content_groups(placed: list[tuple[Rule, RulePlace]]) -> Iterator[Finding]:
    groups = [(rule, place) for rule, place in placed if isinstance(rule, ContentGroupRule)]
    used = {rule.name: _used_groups(rule, place) for rule, place in groups}
    order = {rule.name: number for number, (rule, _) in reversed(list(enumerate(groups)))}
    for number, (rule, _) in enumerate(groups):
        for name, place in used[rule.name].items():
            if circle := _circle(rule.name, name, used):
                yield place.error(f"Content groups use each other in a circle: {' → '.join(circle)}. Break it.")
            elif order.get(name, -1) > number:
                yield place.error(f"The content group {name[:60]!r} is defined further down; move it above this one.")


def _used_groups(rule: ContentGroupRule, place: RulePlace) -> dict[str, RulePlace]:
    """Returns the content groups that a rule's conditions name, with the first place of each."""
    found: dict[str, RulePlace] = {}
    for condition, where in conditions_of(rule, place):
        for field, at in fields_of(condition, where):
            if name := family_member(field, CONTENT_GROUP):
                found.setdefault(name, at)
    return found


def _circle(start: str, through: str, used: dict[str, dict[str, RulePlace]]) -> list[str] | None:
    """Returns the shortest way from `start` through `through` back to `start`, None if there is none."""
    ways, seen = [[start, through]], {through}
    for way in ways:
        if way[-1] == start:
            return way
        onward = [name for name in used.get(way[-1], {}) if name not in seen]
        seen.update(onward)
        ways += [[*way, name] for name in onward]
    return None
