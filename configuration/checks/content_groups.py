"""Content groups may ask for content groups above them: not for one below, and never in a circle."""

from collections.abc import Iterator

from configuration.checks.conditions import fields_of
from configuration.checks.rules import conditions_of
from configuration.ruleset.fields import CONTENT_GROUP, family_member
from configuration.ruleset.findings import Finding, RulePlace
from configuration.ruleset.ruleset import ContentGroupRule, Rule


def check_content_groups(placed: list[tuple[Rule, RulePlace]]) -> Iterator[Finding]:
    groups = [(rule, place) for rule, place in placed if isinstance(rule, ContentGroupRule)]
    asked = {rule.name: _asked(rule, place) for rule, place in groups}
    order = {rule.name: number for number, (rule, _) in reversed(list(enumerate(groups)))}
    for number, (rule, _) in enumerate(groups):
        for name, place in asked[rule.name].items():
            if circle := _circle(rule.name, name, asked):
                yield place.error(f"Content groups ask for each other in a circle: {' → '.join(circle)}. Break it.")
            elif order.get(name, -1) > number:
                yield place.error(f"The content group {name[:60]!r} is made further down; move it above this one.")


def _asked(rule: ContentGroupRule, place: RulePlace) -> dict[str, RulePlace]:
    """The content groups that a rule's conditions name, with the first place of each."""
    found: dict[str, RulePlace] = {}
    for condition, where in conditions_of(rule, place):
        for field, at in fields_of(condition, where):
            if name := family_member(field, CONTENT_GROUP):
                found.setdefault(name, at)
    return found


def _circle(start: str, through: str, asked: dict[str, dict[str, RulePlace]]) -> list[str] | None:
    """The shortest way from `start` through `through` back to `start`, None if there is none."""
    ways, seen = [[start, through]], {through}
    for way in ways:
        if way[-1] == start:
            return way
        onward = [name for name in asked.get(way[-1], {}) if name not in seen]
        seen.update(onward)
        ways += [[*way, name] for name in onward]
    return None
