"""What rules may be at all, whatever they mean: so long, so many, so deep, no characters that nobody can see. Pure."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from configuration.checks import Finding
from configuration.kinds import kind_of
from configuration.ruleset import Rule, Ruleset

MOST_RULES: Final = 1000
MOST_IN_LIST: Final = 1000
LONGEST_TEXT: Final = 2000
LONGEST_NAME: Final = 100
DEEPEST: Final = 16  # lists and objects within each other
SETTINGS: Final = "settings"

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN_IN_NOTES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def misshapen(ruleset: Ruleset) -> list[Finding]:
    """Errors only."""
    if len(ruleset.rules) > MOST_RULES:
        return [_error("", "", "rules", f"These are {len(ruleset.rules)} rules; at most {MOST_RULES} are possible.")]
    basics = [_error(SETTINGS, "", *wrong) for wrong in _walk(msgspec.to_builtins(ruleset.basics), "", 0)]
    return [*basics, *_names(ruleset.rules), *(found for rule in ruleset.rules for found in _rule(rule))]


def misshapen_note(note: str) -> list[Finding]:
    """Of a version."""
    return [_error("", "", *wrong) for wrong in _walk(note, "note", 0)]


def _names(rules: tuple[Rule, ...]) -> Iterator[Finding]:
    counts = Counter((kind_of(rule), rule.name) for rule in rules)
    for (kind, name), count in counts.items():
        if count > 1:
            yield _error(kind, name, "name", f"{count} rules of this kind have this name; each needs its own.")


def _rule(rule: Rule) -> Iterator[Finding]:
    kind = kind_of(rule)
    if not rule.name.strip() or rule.name != rule.name.strip():
        yield _error(kind, rule.name, "name", "Write a name, without blanks at its ends.")
    if len(rule.name) > LONGEST_NAME:
        yield _error(kind, rule.name, "name", f"At most {LONGEST_NAME} characters.")
    for place, message in _walk(msgspec.to_builtins(rule), "", 0):
        yield _error(kind, rule.name, place, message)


def _walk(value: Any, place: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield from _text(value, place)
    elif depth > DEEPEST:
        yield place, "This is nested too deep."
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(part, f"{place}.{name}" if place else name, depth + 1)
    elif isinstance(value, list | tuple):
        yield from _items(value, place, depth)


def _items(value: list[Any] | tuple[Any, ...], place: str, depth: int) -> Iterator[tuple[str, str]]:
    if len(value) > MOST_IN_LIST:
        yield place, f"These are {len(value)}; at most {MOST_IN_LIST} are possible."
        return
    for index, part in enumerate(value):
        yield from _walk(part, f"{place}[{index}]", depth + 1)


def _text(value: str, place: str) -> Iterator[tuple[str, str]]:
    if len(value) > LONGEST_TEXT:
        yield place, f"At most {LONGEST_TEXT} characters."
    if (_UNSEEN_IN_NOTES if place == "note" else _UNSEEN).search(value):
        yield place, "It contains characters that nobody can see."


def _error(kind: str, rule: str, place: str, message: str) -> Finding:
    return Finding(kind, rule, place, message, "error")
