"""Rules that can never have an effect, since one above them takes everything that they would match: warnings."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from configuration.checks.rules import parts_of
from configuration.ruleset.findings import Finding, RulePlace
from configuration.ruleset.ruleset import BotRule, Condition, FilterRule, OneOf, Rule, Text

EVERYTHING: Final = {"", ".*", "^", "^.*", "^.*$", ".*$", "$", "^.*?$"}


def check_dead_rules(placed: list[tuple[Rule, RulePlace]]) -> Iterator[Finding]:
    on = [(rule, place) for rule, place in placed if rule.state == "on"]
    excluding = [(r, p) for r, p in on if isinstance(r, FilterRule) and r.action == "exclude"]
    yield from _covered([(rule.when, rule.name, place) for rule, place in excluding])
    blocking = [(rule, place) for rule, place in on if isinstance(rule, BotRule) and rule.action == "block"]
    agents = [(Text("user_agent", rule.test, rule.user_agent), rule.name, place) for rule, place in blocking]
    yield from _covered(agents)
    for rule, place in on:
        yield from _covered([(part.when, part.name, where) for part, where in parts_of(rule, place)])


def covers(above: Condition, below: Condition) -> bool:
    """Returns whether everything that `below` matches is matched by `above`; False where it is not plain to see."""
    if above == below or _is_everything(above):
        return True
    if not isinstance(above, Text) or above.negated or above.case_sensitive or above.test == "pattern":
        return False
    return all(_holds(above, value) for value in _least(below, above.field))


def _covered(listed: Sequence[tuple[Condition, str, RulePlace]]) -> Iterator[Finding]:
    for number, (below, _, place) in enumerate(listed):
        taker = next((name for above, name, _ in listed[:number] if covers(above, below)), None)
        if taker is not None:
            yield place.warning(f"It never matches, since {taker[:60]!r} above takes all of it; move or delete it.")


def _is_everything(condition: Condition) -> bool:
    if not isinstance(condition, Text) or condition.negated:
        return False
    return condition.test == "pattern" and condition.value in EVERYTHING


def _least(below: Condition, field: str) -> list[tuple[str, str]]:
    """Texts of which one must be in the field where `below` matches, with how; [("", "contains")]: nothing is known."""
    nothing = [("", "contains")]
    if isinstance(below, OneOf) and not below.negated and below.field == field:
        return [(value, "equals") for value in below.values] or nothing
    if isinstance(below, Text) and not below.negated and below.field == field and below.test != "pattern":
        return [(below.value, below.test)]
    return nothing


def _holds(above: Text, known: tuple[str, str]) -> bool:
    """Returns whether a text that is known to be, begin with, end with or contain another must match `above`."""
    text, how = known[0].lower(), known[1]
    value = above.value.lower()
    if not text:
        return False
    answers: dict[str, Any] = {
        "equals": how == "equals" and text == value,
        "contains": value in text,
        "begins": how in ("equals", "begins") and text.startswith(value),
        "ends": how in ("equals", "ends") and text.endswith(value),
    }
    return bool(answers[above.test])
