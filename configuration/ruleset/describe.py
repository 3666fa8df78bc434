"""Describes rules and conditions in plain sentences, for lists, comparisons and previews. Pure.

Texts of rules come from users: they stand in quotation marks, and pages escape the whole sentence.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from configuration.ruleset.fields import Family, find_field
from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import (
    AllOf,
    AnyOf,
    BotRule,
    ChannelGroupRule,
    Condition,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InNetwork,
    InternalRule,
    KeyEventRule,
    OneOf,
    ReferralRule,
    RewriteRule,
    Rule,
    SpamRule,
    Text,
    TextTest,
)

FEW: Final = 5
TESTS: Final[dict[TextTest, tuple[str, str]]] = {
    "equals": ("is", "is not"),
    "contains": ("contains", "does not contain"),
    "begins": ("begins with", "does not begin with"),
    "ends": ("ends with", "does not end with"),
    "pattern": ("matches", "does not match"),
}


def describe_rule(rule: Rule) -> str:
    """Returns a sentence that says what the rule does when it is on."""
    say = cast(Callable[[Rule], str], _SENTENCES[kind_of(rule)])
    return say(rule)


def describe_condition(condition: Condition, most: int | None = None) -> str:
    """Returns a text such as `page path begins with “/admin” and country is not “France”`; of long lists the first
    `most`.
    """
    if isinstance(condition, AllOf | AnyOf):
        return _joined(condition, most)
    if isinstance(condition, InNetwork):
        return f"the address is {'not ' if condition.negated else ''}in {listed(condition.networks, most, 'or')}"
    field = field_words(condition.field)
    case = " (case matters)" if condition.case_sensitive else ""
    if isinstance(condition, OneOf):
        values = listed([quoted(value) for value in condition.values], most, "or")
        return f"{field} is {'none' if condition.negated else 'one'} of {values}{case}"
    return f"{field} {TESTS[condition.test][condition.negated]} {_value(condition)}{case}"


def field_words(name: str) -> str:
    """Returns a text such as `page path`, or `event parameter “plan”`."""
    found = find_field(name)
    if isinstance(found, Family):
        return f"{found.label} {quoted(name.removeprefix(found.prefix))}"
    return found.label if found else quoted(name)


def quoted(text: str) -> str:
    return f"“{text}”"


def listed(words: Sequence[str], most: int | None = None, last: str = "and") -> str:
    """`a, b and c`; with `most`, `a, b and 7 more`."""
    if not words:
        return "nothing"
    if most is not None and len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
        last = "and"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _value(condition: Text) -> str:
    if condition.test == "equals" and not condition.value:
        return "empty"
    return f"the pattern {quoted(condition.value)}" if condition.test == "pattern" else quoted(condition.value)


def _joined(condition: AllOf | AnyOf, most: int | None) -> str:
    word = " and " if isinstance(condition, AllOf) else " or "
    if not condition.of:
        text = "always" if isinstance(condition, AllOf) else "never"
    else:
        text = word.join(_nested(part, most) for part in condition.of)
    return f"not ({text})" if condition.negated else text


def _nested(condition: Condition, most: int | None) -> str:
    text = describe_condition(condition, most)
    bare = not isinstance(condition, AllOf | AnyOf) or condition.negated or len(condition.of) < 2
    return text if bare else f"({text})"


def _filter(rule: FilterRule) -> str:
    action = "Do not count" if rule.action == "exclude" else "Count only"
    return f"{action} hits where {describe_condition(rule.when, FEW)}."


def _rewrite(rule: RewriteRule) -> str:
    changes = {
        "lower_case": f"Write {field_words(rule.field)} in small letters",
        "replace": f"In {field_words(rule.field)} replace {'the pattern ' if rule.pattern else ''}{quoted(rule.search)}"
        f" by {quoted(rule.replacement)}",
        "drop_parameters": f"{'Keep only' if rule.keep_only else 'Drop'} the parameters {listed(rule.parameters, FEW)}"
        " of the page's query",
    }
    return f"{changes[rule.change]}{_where(rule.when)}."


def _bot(rule: BotRule) -> str:
    test = f"whose user agent {TESTS[rule.test][0]} {quoted(rule.user_agent)}"
    return f"Who sends hits {test} is {'a robot' if rule.action == 'block' else 'never a robot'}."


def _spam(rule: SpamRule) -> str:
    return f"Do not count hits that name {listed(rule.domains, FEW, 'or')} as referrer."


def _internal(rule: InternalRule) -> str:
    parts = [f"that come from {listed(rule.networks, FEW, 'or')}"] if rule.networks else []
    parts += [f"whose traffic_type is {quoted(rule.traffic_type)}"] if rule.traffic_type else []
    return f"Do not count hits {' or '.join(parts) or 'of nobody'}: they are our own."


def _referral(rule: ReferralRule) -> str:
    return f"Visits that come from {listed(rule.domains, FEW, 'or')} are no referrals."


def _channel_group(rule: ChannelGroupRule) -> str:
    names = listed([quoted(part.name) for part in rule.channels], FEW)
    return f"Sorts sessions into {names}, all others into {quoted(rule.otherwise)}."


def _content_group(rule: ContentGroupRule) -> str:
    names = listed([quoted(part.name) for part in rule.groups], FEW)
    return f"Sorts pages into {names}, all others into {quoted(rule.otherwise or '(not set)')}."


def _key_event(rule: KeyEventRule) -> str:
    once = ", the first of a session only" if rule.once == "session" else ""
    return f"{quoted(rule.event)} is a key event{_where(rule.when)}{once}{_worth(rule)}."


def _worth(rule: KeyEventRule) -> str:
    fixed = f"worth {rule.value}" if rule.value else ""
    if not rule.value_parameter:
        return fixed and f", {fixed}"
    return f", worth its parameter {quoted(rule.value_parameter)}{f', else {rule.value}' if rule.value else ''}"


def _dimension(rule: CustomDimensionRule) -> str:
    of = "visitor" if rule.scope == "user" else "event"
    return f"Reports can group by the {of}'s parameter {quoted(rule.parameter)}."


def _metric(rule: CustomMetricRule) -> str:
    unit = {"standard": "", "currency": ", as money", "seconds": ", as seconds"}[rule.unit]
    return f"Reports can add up the event's parameter {quoted(rule.parameter)}{unit}."


def _where(when: Condition | None) -> str:
    return f" where {describe_condition(when, FEW)}" if when else ""


_SENTENCES: Final[dict[str, Any]] = {
    "filter": _filter,
    "rewrite": _rewrite,
    "bot": _bot,
    "spam": _spam,
    "internal": _internal,
    "referral exclusion": _referral,
    "channel group": _channel_group,
    "content group": _content_group,
    "key event": _key_event,
    "custom dimension": _dimension,
    "custom metric": _metric,
}
