"""Names of events that a property had of late: offered in forms, and missed by the check of rules that name others."""

import difflib
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from configuration.checks.check import Finding
from configuration.checks.conditions import leaves
from configuration.checks.rules import conditions_of
from configuration.ruleset.findings import RulePlace
from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import KeyEventRule, OneOf, RewriteRule, Rule, Ruleset, Text
from reporting.clock import now_in
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report
from reporting.read_access import DAMAGED, UNREACHABLE, view_of

DAYS: Final = 30
MOST: Final = 200  # names that are offered
FIELD: Final = "event"

logger = logging.getLogger(__name__)


def event_names(property: int) -> list[str]:
    """Returns the names of the last 30 days, the most frequent first; none if the stored data cannot be read."""
    try:
        view = view_of(property)
        present = Now.at(now_in(view.zone))
        days = DateRange((present.day - timedelta(days=DAYS - 1)).isoformat(), present.day.isoformat())
        report = Report(date_ranges=(days,), dimensions=("eventName",), metrics=("eventCount",), limit=MOST)
        return [row.dimensions[0] for row in run(report, view, present).rows]
    except DAMAGED + UNREACHABLE:
        logger.exception("The events of property %d cannot be read", property)
        return []


def never_seen(rules: Ruleset) -> Iterator[Finding]:
    """Finds warnings: rules that name an event which the property has not had of late, though it has had others."""
    placed = [(rule, RulePlace(kind_of(rule), rule.name, f"rules[{n}]")) for n, rule in enumerate(rules.rules)]
    named = [found for rule, place in placed if rule.state != "off" for found in _named_events(rule, place)]
    renamed = any(isinstance(rule, RewriteRule) and rule.field == FIELD for rule in rules.rules)
    seen = event_names(rules.property) if named and not renamed else []
    for name, place in named:
        if seen and name.casefold() not in {other.casefold() for other in seen}:
            yield place.warning(_sentence(name, seen))


def _named_events(rule: Rule, place: RulePlace) -> Iterator[tuple[str, RulePlace]]:
    """Yields the events that a rule waits for: those of a key event, and of conditions that name events exactly."""
    if isinstance(rule, KeyEventRule):
        yield rule.event, place.at("event")
    for condition, at in conditions_of(rule, place):
        for leaf, where in leaves(condition, at):
            if isinstance(leaf, Text) and leaf.field == FIELD and leaf.test == "equals" and not leaf.negated:
                yield leaf.value, where.at("value")
            elif isinstance(leaf, OneOf) and leaf.field == FIELD and not leaf.negated:
                yield from ((name, where.at("values").at(number)) for number, name in enumerate(leaf.values))


def _sentence(name: str, seen: list[str]) -> str:
    close = difflib.get_close_matches(name.lower(), seen, n=1, cutoff=0.6)
    advice = f"; did you mean “{close[0]}”?" if close else "."
    return f"The event “{name[:60]}” was never seen in {DAYS} days{advice}"
