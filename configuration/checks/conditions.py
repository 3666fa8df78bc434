"""Checks of conditions: their fields exist, their values are readable, and nothing is too large."""

import ipaddress
from collections.abc import Iterator
from typing import Final

from configuration.ruleset.fields import FAMILIES, FIELDS, PARAMETER, USER_PROPERTY, family_member, find_field
from configuration.ruleset.findings import Finding, RulePlace, check_count, check_length, check_parameter
from configuration.ruleset.patterns import pattern_error
from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork, Leaf, OneOf, Text, TextTest

DEEPEST: Final = 5
MOST_CONDITIONS: Final = 100


def check_conditions(conditions: list[tuple[Condition, RulePlace]]) -> Iterator[Finding]:
    """Checks all conditions of one rule."""
    count = sum(1 for condition, place in conditions for _ in leaves(condition, place))
    if count > MOST_CONDITIONS:
        _, place = conditions[0]
        yield place.error(
            f"The rule has {count} conditions; at most {MOST_CONDITIONS} are allowed. Use lists of values."
        )
    for condition, place in conditions:
        yield from _check(condition, place, 1)


def leaves(condition: Condition, place: RulePlace) -> Iterator[tuple[Leaf, RulePlace]]:
    """Returns the conditions that compare something, with their places, however deep they are."""
    left = [(condition, place)]
    while left:
        each, where = left.pop()
        if isinstance(each, AllOf | AnyOf):
            left += [(part, where.at("of").at(number)) for number, part in reversed(list(enumerate(each.of)))]
        else:
            yield each, where


def fields_of(condition: Condition, place: RulePlace) -> Iterator[tuple[str, RulePlace]]:
    for leaf, where in leaves(condition, place):
        if not isinstance(leaf, InNetwork):
            yield leaf.field, where.at("field")


def check_networks(networks: tuple[str, ...], place: RulePlace) -> Iterator[Finding]:
    yield from check_count(networks, place)
    for number, text in enumerate(networks):
        yield from _check_network(text, place.at(number))


def check_text(value: str, test: TextTest, place: RulePlace) -> Iterator[Finding]:
    """Checks the text that a field is compared with."""
    if not value and test != "equals":
        yield place.error("The text is empty, which every event matches; write what to look for.")
    if test != "pattern":
        yield from check_length(value, place)
    elif refused := pattern_error(value):
        yield place.error(refused)


def _check(condition: Condition, place: RulePlace, depth: int) -> Iterator[Finding]:
    if not isinstance(condition, AllOf | AnyOf):
        yield from _check_leaf(condition, place)
    elif depth > DEEPEST:
        yield place.error(f"The conditions are nested deeper than {DEEPEST}; flatten them.")
    elif not condition.of:
        yield place.at("of").error("The group has no conditions; add one, or leave the group out.")
    else:
        for number, part in enumerate(condition.of):
            yield from _check(part, place.at("of").at(number), depth + 1)


def _check_leaf(leaf: Leaf, place: RulePlace) -> Iterator[Finding]:
    if isinstance(leaf, InNetwork):
        yield from check_networks(leaf.networks, place.at("networks"))
        return
    yield from _check_field(leaf.field, place.at("field"))
    if isinstance(leaf, Text):
        yield from check_text(leaf.value, leaf.test, place.at("value"))
    else:
        yield from _check_values(leaf, place.at("values"))


def _check_values(leaf: OneOf, place: RulePlace) -> Iterator[Finding]:
    yield from check_count(leaf.values, place)
    for number, value in enumerate(leaf.values):
        yield from check_length(value, place.at(number))


def _check_field(name: str, place: RulePlace) -> Iterator[Finding]:
    if find_field(name) is None:
        families = ", ".join(f"{prefix}…" for prefix in FAMILIES)
        yield place.error(f"{name[:60]!r} is not a field. There are: {', '.join(FIELDS)}, {families}")
    for prefix in (PARAMETER, USER_PROPERTY):
        member = family_member(name, prefix)
        if member:
            yield from check_parameter(member, place)


def _check_network(text: str, place: RulePlace) -> Iterator[Finding]:
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        yield place.error(f"{text[:60]!r} is not a network; write one like 192.0.2.0/24 or 2001:db8::/32.")
        return
    network = interface.network
    if interface.ip != network.network_address:
        yield place.error(f"{text!r} has bits after its {network.prefixlen}; write {network}.")
    elif network.prefixlen > {4: 24, 6: 48}[network.version]:
        yield place.warning(
            f"{text} is smaller than what is kept of an address ({_KEPT}), so that it hardly ever matches."
        )


_KEPT: Final = "/24 of IPv4, /48 of IPv6, unless the property says otherwise"
