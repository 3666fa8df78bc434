"""Limits of all texts of rules, whatever they mean: no invisible characters, no endless nesting. Pure."""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from configuration.ruleset.findings import Finding, RulePlace
from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import Ruleset

LONGEST_NOTE: Final = 2000
DEEPEST: Final = 20  # lists and objects within each other

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSEEN_IN_NOTES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def find_bad_text(ruleset: Ruleset) -> list[Finding]:
    """Finds errors only. If there are any, the other checks need not run."""
    parts: list[tuple[msgspec.Struct, RulePlace]] = [(ruleset.settings, RulePlace("settings", "", "settings"))]
    parts += [(rule, RulePlace(kind_of(rule), rule.name, f"rules[{n}]")) for n, rule in enumerate(ruleset.rules)]
    return [found for part, place in parts for found in _walk(msgspec.to_builtins(part), place, 0)]


def find_bad_note_text(note: str) -> list[Finding]:
    """Finds errors in the note of a version."""
    return list(_text(note, RulePlace("", "", "note")))


def _walk(value: Any, place: RulePlace, depth: int) -> Iterator[Finding]:
    if isinstance(value, str):
        yield from _text(value, place)
    elif depth > DEEPEST:
        yield place.error("This is nested too deep.")
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _walk(part, place.at(name), depth + 1)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _walk(part, place.at(index), depth + 1)


def _text(value: str, place: RulePlace) -> Iterator[Finding]:
    is_note = place.path.endswith("note")
    if is_note and len(value) > LONGEST_NOTE:
        yield place.error(f"The note has {len(value)} characters; at most {LONGEST_NOTE} are allowed.")
    if (_UNSEEN_IN_NOTES if is_note else _UNSEEN).search(value):
        yield place.error("The text has invisible characters; type it again by hand.")
