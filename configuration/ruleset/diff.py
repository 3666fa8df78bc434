"""Describes the differences of two rulesets, one plain sentence each. Pure."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

import msgspec

from configuration.ruleset.describe import describe_condition, describe_rule, listed, quoted
from configuration.ruleset.kinds import BY_TAG, ORDER, kind_of
from configuration.ruleset.ruleset import NamedGroup, Rule, Ruleset

SETTINGS: Final = {
    "zone": "Time zone",
    "currency": "Currency",
    "session_timeout_s": "Session timeout (seconds)",
    "engaged_s": "Engaged after (seconds)",
    "domains": "Own domains",
    "bot_lists": "Exclude known robots",
    "spam_list": "Exclude known referrer spam",
}
ATTRIBUTES: Final = {
    "note": "note",
    "state": "state",
    "action": "action",
    "when": "condition",
    "field": "field",
    "change": "change",
    "search": "what is replaced",
    "replacement": "replacement",
    "pattern": "written as a pattern",
    "parameters": "parameters",
    "keep_only": "keep only these",
    "user_agent": "user agent",
    "test": "test",
    "domains": "domains",
    "networks": "networks",
    "traffic_type": "traffic_type",
    "channels": "channel",
    "groups": "group",
    "otherwise": "all others",
    "event": "event",
    "once": "counted once",
    "value": "value",
    "value_parameter": "parameter with the value",
    "parameter": "parameter",
    "scope": "scope",
    "unit": "unit",
}
SET_BY_PUBLISHING: Final = ("slot",)

Key = tuple[str, str]


def differences(before: Ruleset, after: Ruleset) -> list[str]:
    """Settings first, then rules by kind and name. Empty if publishing would change nothing."""
    old, new = _by_key(before), _by_key(after)
    keys = sorted({*old, *new}, key=lambda key: (ORDER[key[0]], key[1]))
    moved = _moves(list(old), list(new))
    rules = [line for key in keys for line in _rule(old.get(key), new.get(key), moved.get(key))]
    return [*_settings(before, after), *rules]


def rule_title(rule: Rule) -> str:
    """Returns a text such as `Filter “Office”`."""
    return f"{BY_TAG[kind_of(rule)].one} {quoted(rule.name)}"


def rule_changes(before: Rule, after: Rule) -> list[str]:
    """Returns the changes of one rule; its name and kind are the same."""
    fields = [name for name in before.__struct_fields__ if name not in SET_BY_PUBLISHING]
    return [line for name in fields for line in _attribute(name, getattr(before, name), getattr(after, name))]


def _by_key(ruleset: Ruleset) -> dict[Key, Rule]:
    return {(kind_of(rule), rule.name): rule for rule in ruleset.rules}


def _settings(before: Ruleset, after: Ruleset) -> Iterator[str]:
    for name, label in SETTINGS.items():
        was, now = getattr(before.settings, name), getattr(after.settings, name)
        if was != now:
            yield f"{label}: was {_shown(was)}, is {_shown(now)}."


def _rule(before: Rule | None, after: Rule | None, moved: tuple[int, int] | None) -> Iterator[str]:
    if before is None and after is not None:
        state = "" if after.state == "on" else f" ({after.state})"
        yield f"{rule_title(after)} was added{state}: {describe_rule(after)}"
    elif after is None and before is not None:
        yield f"{rule_title(before)} was deleted: {describe_rule(before)}"
    elif before is not None and after is not None:
        lines = rule_changes(before, after)
        lines += [f"moved from {moved[0]} to {moved[1]}"] if moved else []
        if lines:
            yield f"{rule_title(after)} changed: {'; '.join(lines)}."


def _attribute(name: str, was: Any, now: Any) -> Iterator[str]:
    if was == now:
        return
    label = ATTRIBUTES[name]
    if _is_parts(was) or _is_parts(now):
        yield from _parts(label, was, now)
    elif isinstance(was, tuple):
        yield from _members(label, was, now)
    else:
        yield f"{label} was {_shown(was)}, is {_shown(now)}"


def _is_parts(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], NamedGroup)


def _parts(label: str, was: Sequence[NamedGroup], now: Sequence[NamedGroup]) -> Iterator[str]:
    old, new = {part.name: part for part in was}, {part.name: part for part in now}
    yield from (f"{label} {quoted(name)} was deleted" for name in old if name not in new)
    yield from (
        f"{label} {quoted(name)} was added: {describe_condition(new[name].when)}" for name in new if name not in old
    )
    for name in [name for name in new if name in old]:
        if old[name].when != new[name].when:
            was_when, is_when = describe_condition(old[name].when), describe_condition(new[name].when)
            yield f"{label} {quoted(name)} was {was_when}, is {is_when}"
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield f"order of {label}s is {listed([quoted(name) for name in new])}"


def _members(label: str, was: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    added, gone = [each for each in now if each not in was], [each for each in was if each not in now]
    if added:
        yield f"{label}: {listed(added)} {'was' if len(added) == 1 else 'were'} added"
    if gone:
        yield f"{label}: {listed(gone)} {'was' if len(gone) == 1 else 'were'} deleted"
    if not added and not gone:
        yield f"{label}: the order is {listed(now)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return listed(value)
    if isinstance(value, msgspec.Struct):
        return describe_condition(value)  # type: ignore[arg-type]
    return "nothing" if value in ("", None) else str(value)


def _moves(old: list[Key], new: list[Key]) -> dict[Key, tuple[int, int]]:
    """Returns the rules that were moved: key -> (old place, new place) within their kind, from 1.

    Rules that only shifted because others were added or deleted are not moved.
    """
    found: dict[Key, tuple[int, int]] = {}
    for kind in BY_TAG:
        was, now = [key for key in old if key[0] == kind], [key for key in new if key[0] == kind]
        kept_was, kept_now = [key for key in was if key in now], [key for key in now if key in was]
        matcher = SequenceMatcher(None, kept_was, kept_now, autojunk=False)
        stayed = {key for block in matcher.get_matching_blocks() for key in kept_was[block.a : block.a + block.size]}
        found |= {key: (was.index(key) + 1, now.index(key) + 1) for key in kept_was if key not in stayed}
    return found
