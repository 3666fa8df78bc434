"""What conditions and rules must do, one row at a time in plain Python, from what the manual says. No code of the
product's.

A row is a dict by field name; `address` is the truncated address. A missing field is the empty text.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import re2

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
    NamedGroup,
    OneOf,
    RewriteRule,
    Ruleset,
    SpamRule,
    Text,
)

LONGEST = 2_048
Row = dict[str, str | None]


def holds(condition: Condition, row: Row) -> bool:
    return _plain(condition, row) != condition.negated


def first(conditions: list[Condition], row: Row) -> int | None:
    return next((number for number, condition in enumerate(conditions) if holds(condition, row)), None)


def _plain(condition: Condition, row: Row) -> bool:
    match condition:
        case AllOf():
            return all(holds(part, row) for part in condition.of)
        case AnyOf():
            return any(holds(part, row) for part in condition.of)
        case InNetwork():
            return _in_network(condition.networks, row.get("address"))
        case OneOf():
            return any(_equal(condition, value, row) for value in condition.values)
        case Text():
            return _text(condition, (row.get(condition.field) or "")[:LONGEST])


def _in_network(networks: tuple[str, ...], address: str | None) -> bool:
    return address is not None and any(ipaddress.ip_address(address) in ipaddress.ip_network(n) for n in networks)


def _equal(condition: OneOf, value: str, row: Row) -> bool:
    text = (row.get(condition.field) or "")[:LONGEST]
    return text == value or (not condition.case_sensitive and text.lower() == value.lower())


def _text(condition: Text, text: str) -> bool:
    if condition.test == "pattern":
        options: Any = re2.Options()
        options.case_sensitive = condition.case_sensitive
        return re2.compile(condition.value, options).search(text) is not None
    value = condition.value
    if not condition.case_sensitive:
        text, value = text.lower(), value.lower()
    tests = {"equals": str.__eq__, "contains": str.__contains__, "begins": str.startswith, "ends": str.endswith}
    return bool(tests[condition.test](text, value))


class Outcome(NamedTuple):
    """What becomes of an event: a reason and the rule that gave it, or its facts."""

    reason: str | None
    rule: str | None = None
    row: Row = {}
    groups: dict[str, str] = {}
    custom: dict[str, str] = {}
    key_event: bool = False
    once: int = 0
    key_value: int = 0


def outcome(row: Row, rules: Ruleset, *, robot: bool, spammer: bool) -> Outcome:
    """`robot` and `spammer` are what the lists say of the row."""
    early = next(_refused_early(row, rules, robot=robot, spammer=spammer), None)
    if early:
        return early
    row = dict(row)
    for rewrite in rules.of_kind(RewriteRule):
        _rewrite(rewrite, row)
    row |= {field: row[field] or LEFT[field] for field in LEFT if row[field] is not None}
    custom: dict[str, str] = {}
    for group in rules.of_kind(ContentGroupRule):
        row[f"content_group:{group.name}"] = custom[f"c:{group.name}"] = _part(group.groups, group.otherwise, row)
    for each in rules.of_kind(FilterRule):
        if holds(each.when, row) == (each.action == "exclude"):
            return Outcome("filter", each.name)
    groups = {g.name: _part(g.channels, g.otherwise, row) for g in rules.of_kind(ChannelGroupRule)}
    custom |= dict(_parameters(row, rules))
    return Outcome(None, None, row, _said(groups), _said(custom), *_key_event(row, rules))


def _refused_early(row: Row, rules: Ruleset, *, robot: bool, spammer: bool) -> Iterator[Outcome]:
    agents = [(each, Text("user_agent", each.test, each.user_agent)) for each in rules.of_kind(BotRule)]
    if not any(rule.action == "allow" and holds(asked, row) for rule, asked in agents):
        yield from (Outcome("bot", rule.name) for rule, asked in agents if rule.action == "block" and holds(asked, row))
        if robot and rules.settings.bot_lists:
            yield Outcome("bot")
    for each in rules.of_kind(SpamRule):
        if any(_below(row.get("referrer_host") or "", domain) for domain in each.domains):
            yield Outcome("spam", each.name)
    if spammer and rules.settings.spam_list:
        yield Outcome("spam")
    for each in rules.of_kind(InternalRule):
        kind = each.traffic_type and row.get("traffic_type") == each.traffic_type
        if kind or _in_network(each.networks, row.get("address")):
            yield Outcome("internal", each.name)


def _below(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _part(parts: tuple[NamedGroup, ...], otherwise: str, row: Row) -> str:
    return next((part.name for part in parts if holds(part.when, row)), otherwise)


def _said(texts: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


# What stands after all rewrites where they left nothing.
LEFT: dict[str, str | None] = {
    "event": "(not set)",
    "path": "/",
    "query": None,
    "source": "(not set)",
    "medium": "(not set)",
}


def _rewrite(rule: RewriteRule, row: Row) -> None:
    if rule.when is not None and not holds(rule.when, row):
        return
    before = row.get(rule.field)
    changes: dict[str, Callable[[str], str]] = {
        "lower_case": str.lower,
        "replace": lambda text: _replaced(rule, text),
        "drop_parameters": lambda text: _dropped(rule, text),
    }
    after = changes[rule.change](before or "")[: 40 if rule.field == "event" else 255]
    row[rule.field] = after or (None if before is None else "")


def _replaced(rule: RewriteRule, text: str) -> str:
    if not rule.pattern:
        return text.replace(rule.search, rule.replacement)
    return re.sub(rule.search, rule.replacement.replace("${1}", r"\g<1>").replace("$1", r"\g<1>"), text)


def _dropped(rule: RewriteRule, text: str) -> str:
    parts = text.split("&") if text else []
    names = [unquote_plus(part.partition("=")[0]) for part in parts]
    return "&".join(p for p, name in zip(parts, names, strict=True) if (name in rule.parameters) == rule.keep_only)


def _key_event(row: Row, rules: Ruleset) -> tuple[bool, int, int]:
    matching: list[KeyEventRule] = [
        rule
        for rule in rules.of_kind(KeyEventRule)
        if row["event"] == rule.event and (rule.when is None or holds(rule.when, row))
    ]
    once = sum(1 << (rule.slot or 0) for rule in matching if rule.once == "session")
    worth = _worth(matching[0], row) if matching else 0
    return any(rule.once == "event" for rule in matching), once, worth


def _worth(rule: KeyEventRule, row: Row) -> int:
    said = _number(row.get(f"parameter:{rule.value_parameter}"))
    return round((said if said is not None else float(rule.value or 0)) * 1_000_000)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _parameters(row: Row, rules: Ruleset) -> Iterator[tuple[str, str]]:
    for each in rules.of_kind(CustomDimensionRule):
        field, prefix = ("user_property", "u") if each.scope == "user" else ("parameter", "e")
        yield f"{prefix}:{each.parameter}", row.get(f"{field}:{each.parameter}") or ""
    for metric in rules.of_kind(CustomMetricRule):
        text = row.get(f"parameter:{metric.parameter}")
        yield f"m:{metric.parameter}", (text or "") if _number(text) is not None else ""
