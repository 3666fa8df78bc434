"""Patterns that owners write: which of them are allowed, and how they are spelled for the engine of data frames.

Patterns mean what RE2 says they mean, and take time in proportion to the text. Data frames have another engine of that
kind, Rust's, where \\w, \\d, \\s and \\b know all of Unicode: its programs may become a hundred times as large. So a
pattern is compiled by RE2 under a small memory, which bounds its program, and is then spelled out so that Rust's
engine makes one of the same size of it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import polars as pl
import re2

LONGEST_PATTERN: Final = 256
MEMORY: Final = 64 << 10  # bytes; RE2 stops at about 1,300 instructions then

_SPELLED: Final = {
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[0-9A-Za-z_]",
    r"\W": "[^0-9A-Za-z_]",
    r"\s": r"[\t\n\f\r ]",
    r"\S": r"[^\t\n\f\r ]",
}
_SPELLED_OUTSIDE: Final = _SPELLED | {r"\b": r"(?-u:\b)", r"\B": r"(?-u:\B)", r"\<": "<", r"\>": ">"}
# Rust reads these inside of brackets as set operations.
_SPELLED_INSIDE: Final = _SPELLED | {mark: f"\\{mark}" for mark in "[&~"}
_OUTSIDE: Final = re.compile(r"\\.|\(\?P?<\w+>|\[\^?\]?|.", re.DOTALL)
_INSIDE: Final = re.compile(r"\\.|\[:\^?[a-z]+:\]|.", re.DOTALL)
_REFERENCE: Final = re.compile(r"\$(?:\$|\{([^}]*)\}|([0-9A-Za-z_]+))")


@lru_cache(4_096)
def pattern_error(pattern: str) -> str | None:
    """Returns the error in a pattern, in plain words; None if the pattern is allowed."""
    if len(pattern) > LONGEST_PATTERN:
        return f"The pattern has {len(pattern)} characters; at most {LONGEST_PATTERN} are allowed."
    if refused := _refused_by_re2(pattern):
        return refused
    try:
        pl.Series([""]).str.contains(rust_pattern(pattern, case_sensitive=False))
    except pl.exceptions.ComputeError:
        return r"The pattern uses something that is not offered, such as \Q, \C or numbers of characters; leave it out."
    return None


def _refused_by_re2(pattern: str) -> str | None:
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = False, False, MEMORY
    try:
        re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        cause = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else "it is not text"
        if "too large" in cause:
            return "The pattern is too large; use smaller numbers in braces, or several conditions."
        return f"The pattern cannot be read: {cause[:200]}."
    return None


@lru_cache(4_096)
def rust_pattern(pattern: str, *, case_sensitive: bool, named: bool = True) -> str:
    """Returns the pattern spelled so that Rust's engine reads it as RE2 does. `named`: groups keep their names."""
    text, within, at = [], False, 0
    while found := (_INSIDE if within else _OUTSIDE).match(pattern, at):
        piece, at = found[0], found.end()
        if piece.startswith("(?") and not named:
            piece = "("
        text.append(_inside(piece) if within else _outside(piece))
        within = piece != "]" if within else piece.startswith("[")
    return ("" if case_sensitive else "(?i)") + "".join(text)


def any_of(patterns: Iterable[tuple[str, bool]]) -> str:
    """Returns one pattern for Rust's engine that finds what any of them does. Each comes with whether case matters.

    Of few patterns, since its program is as large as theirs together, and the engine refuses large ones.
    """
    spelled = [rust_pattern(pattern, case_sensitive=sensitive, named=False) for pattern, sensitive in patterns]
    return "|".join(f"(?:{each})" for each in spelled)


def unknown_reference(pattern: str, replacement: str) -> str | None:
    """Returns the first group that a replacement names ($1, ${name}) and that the pattern does not have."""
    compiled = re2.compile(pattern)
    known = {*map(str, range(compiled.groups + 1)), *compiled.groupindex}
    named = (first or second for first, second in _REFERENCE.findall(replacement) if first or second)
    return next((name for name in named if name not in known), None)


def _outside(piece: str) -> str:
    """A bracket that would close at once begins with that character instead: spelled out, it cannot be misread."""
    if piece.startswith("["):
        return piece[:-1] + r"\]" if piece.endswith("]") else piece
    return _SPELLED_OUTSIDE.get(piece, piece)


def _inside(piece: str) -> str:
    return _SPELLED_INSIDE.get(piece, piece)
