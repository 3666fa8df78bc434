"""Checks of single rules, one function for each kind, and of the settings of the property."""

import re
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from configuration.checks.conditions import check_conditions, check_networks, check_text, fields_of
from configuration.ruleset.fields import CONTENT_GROUP, FIELDS
from configuration.ruleset.findings import (
    Finding,
    RulePlace,
    check_count,
    check_domains,
    check_length,
    check_name,
    check_parameter,
)
from configuration.ruleset.patterns import unknown_reference
from configuration.ruleset.ruleset import (
    BotRule,
    ChannelGroupRule,
    Condition,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InternalRule,
    KeyEventRule,
    NamedGroup,
    PropertySettings,
    ReferralRule,
    RewriteRule,
    Rule,
    SpamRule,
)

SHORTEST_TIMEOUT_S: Final = 300
LONGEST_TIMEOUT_S: Final = 28_500
LONGEST_ENGAGED_S: Final = 3_600
LONGEST_EVENT_NAME: Final = 40
MOST_SLOTS: Final = 64
VALUE: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")

Check = Callable[[Any, RulePlace], Iterator[Finding]]


def check_rule(rule: Rule, place: RulePlace) -> Iterator[Finding]:
    """Finds errors within one rule."""
    yield from check_name(rule.name, place.at("name"))
    yield from CHECKS[type(rule)](rule, place)


def check_settings(settings: PropertySettings) -> Iterator[Finding]:
    place = RulePlace("settings", "", "settings")
    if settings.zone not in zoneinfo.available_timezones():
        yield place.at("zone").error(f"{settings.zone[:60]!r} is not a time zone; write one like Europe/Berlin.")
    if not re.fullmatch("[A-Z]{3}", settings.currency):
        yield place.at("currency").error("Write the three capital letters of a currency, such as EUR.")
    yield from _between(
        settings.session_timeout_s, SHORTEST_TIMEOUT_S, LONGEST_TIMEOUT_S, place.at("session_timeout_s")
    )
    yield from _between(settings.engaged_s, 1, LONGEST_ENGAGED_S, place.at("engaged_s"))
    yield from check_domains(settings.domains, place.at("domains"))


def conditions_of(rule: Rule, place: RulePlace) -> list[tuple[Condition, RulePlace]]:
    """Returns the conditions of a rule, those of its parts included, with their places."""
    parts = [(part.when, where.at("when")) for part, where in parts_of(rule, place)]
    when = getattr(rule, "when", None)
    return [(when, place.at("when")), *parts] if when is not None else parts


def parts_of(rule: Rule, place: RulePlace) -> list[tuple[NamedGroup, RulePlace]]:
    name = {ChannelGroupRule: "channels", ContentGroupRule: "groups"}.get(type(rule))
    parts: Sequence[NamedGroup] = getattr(rule, name) if name else ()
    return [(part, place.at(name or "").at(number)) for number, part in enumerate(parts)]


def _between(value: int, least: int, most: int, place: RulePlace) -> Iterator[Finding]:
    if not least <= value <= most:
        yield place.error(f"It is {value} seconds; it must be between {least} and {most}.")


def _check_filter(rule: FilterRule, place: RulePlace) -> Iterator[Finding]:
    yield from check_conditions(conditions_of(rule, place))


def _check_rewrite(rule: RewriteRule, place: RulePlace) -> Iterator[Finding]:
    yield from check_conditions(conditions_of(rule, place))
    yield from _check_rewritten(rule, place.at("field"))
    for name, where in fields_of(rule.when, place.at("when")) if rule.when else ():
        if name.startswith(CONTENT_GROUP):
            yield where.error("Content groups are made after the rewrites; name another field.")
    if rule.change == "replace":
        yield from _check_replacement(rule, place)
    if rule.change == "drop_parameters":
        yield from check_count(rule.parameters, place.at("parameters"))
        for number, name in enumerate(rule.parameters):
            yield from check_name(name, place.at("parameters").at(number), "name of the parameter")


def _check_rewritten(rule: RewriteRule, place: RulePlace) -> Iterator[Finding]:
    rewritable = [field.name for field in FIELDS.values() if field.rewritable]
    if rule.change == "drop_parameters" and rule.field != "query":
        yield place.error("Parameters can be dropped from the field query only.")
    elif rule.field not in rewritable:
        yield place.error(f"{rule.field[:60]!r} cannot be rewritten. These can: {', '.join(rewritable)}.")


def _check_replacement(rule: RewriteRule, place: RulePlace) -> Iterator[Finding]:
    refused = list(check_text(rule.search, "pattern" if rule.pattern else "contains", place.at("search")))
    yield from refused
    yield from check_length(rule.replacement, place.at("replacement"))
    if rule.pattern and not refused and (name := unknown_reference(rule.search, rule.replacement)):
        yield place.at("replacement").error(
            f"The pattern has no group {name[:60]!r}; write ${{1}} if letters follow it, $$ for a dollar."
        )


def _check_bot(rule: BotRule, place: RulePlace) -> Iterator[Finding]:
    yield from check_text(rule.user_agent, rule.test, place.at("user_agent"))


def _check_listed_domains(rule: SpamRule | ReferralRule, place: RulePlace) -> Iterator[Finding]:
    yield from check_count(rule.domains, place.at("domains"))
    yield from check_domains(rule.domains, place.at("domains"))


def _check_internal(rule: InternalRule, place: RulePlace) -> Iterator[Finding]:
    if not rule.networks and not rule.traffic_type:
        yield place.error("The rule names neither networks nor a traffic type; add one.")
    if rule.networks:
        yield from check_networks(rule.networks, place.at("networks"))
    yield from check_length(rule.traffic_type, place.at("traffic_type"), 100)


def _check_groups(rule: ChannelGroupRule | ContentGroupRule, place: RulePlace) -> Iterator[Finding]:
    parts = parts_of(rule, place)
    if not parts:
        yield place.error("There are no groups; add at least one.")
    for part, where in parts:
        yield from check_name(part.name, where.at("name"))
    yield from check_length(rule.otherwise, place.at("otherwise"), 100)
    yield from check_conditions(conditions_of(rule, place))


def _check_key_event(rule: KeyEventRule, place: RulePlace) -> Iterator[Finding]:
    if not 1 <= len(rule.event) <= LONGEST_EVENT_NAME:
        yield place.at("event").error(f"The name of an event has 1 to {LONGEST_EVENT_NAME} characters.")
    yield from check_conditions(conditions_of(rule, place))
    if rule.value and not VALUE.fullmatch(rule.value):
        yield place.at("value").error("The value is not a number like 12.50, with at most 6 decimals.")
    if rule.value_parameter:
        yield from check_parameter(rule.value_parameter, place.at("value_parameter"))
    if rule.slot is not None and not 0 <= rule.slot < MOST_SLOTS:
        yield place.at("slot").error(f"The slot is {rule.slot}; leave it out, publishing gives it.")


def _check_custom(rule: CustomDimensionRule | CustomMetricRule, place: RulePlace) -> Iterator[Finding]:
    yield from check_parameter(rule.parameter, place.at("parameter"))


CHECKS: Final[dict[type[Any], Check]] = {
    FilterRule: _check_filter,
    RewriteRule: _check_rewrite,
    BotRule: _check_bot,
    SpamRule: _check_listed_domains,
    InternalRule: _check_internal,
    ReferralRule: _check_listed_domains,
    ChannelGroupRule: _check_groups,
    ContentGroupRule: _check_groups,
    KeyEventRule: _check_key_event,
    CustomDimensionRule: _check_custom,
    CustomMetricRule: _check_custom,
}
