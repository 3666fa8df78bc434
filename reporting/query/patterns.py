"""Matches regular expressions, in the syntax of RE2, with the texts of a dimension.

Data frames match all texts of a piece in one call, with an engine of their own (Rust's), which like RE2 takes time in
proportion to the text. RE2 compiles a pattern first: it says what is wrong, and how large the program is. The few
patterns that cannot be spelled for Rust's engine (configuration/ruleset/patterns.py) are matched by RE2, text by text.

Where one of several patterns is enough, some of them are joined into one: texts are read once for all of these.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import polars as pl
import re2

from configuration.ruleset.patterns import rust_pattern
from processing.interruption import checkpoint
from reporting.model.report import ReportError, StringFilter

_MEMORY: Final = 1 << 20  # bytes; a pattern that compiles to more is refused
JOINED_INSTRUCTIONS: Final = 2_000  # of patterns that are joined
FIRST_PIECE_BYTES: Final = 1 << 16
PIECE_S: Final = 0.1  # about as long as a piece may take


def compiled(leaf: StringFilter) -> Any:
    """Compiles the pattern with RE2, with the attribute `programsize`, in instructions. Raises ReportError."""
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = leaf.case_sensitive, False, _MEMORY
    try:
        return re2.compile(leaf.value, options)
    except (re2.error, UnicodeEncodeError) as error:
        cause = error.args[0] if error.args else ""
        text = cause.decode(errors="replace") if isinstance(cause, bytes) else str(error)
        raise ReportError(f"The regular expression for {leaf.field!r} is not one of RE2: {text[:200]}") from error


def match_any(leaves: Sequence[StringFilter], texts: pl.Series) -> pl.Series:
    """Returns which texts (String, none null) any of the patterns matches (Boolean). Raises ReportError."""
    matched = pl.repeat(False, len(texts), dtype=pl.Boolean, eager=True)
    for search in _searches(leaves):
        matched |= pl.concat([pl.Series(dtype=pl.Boolean), *(search(piece) for piece in _pieces(texts))])
    return matched


def _searches(leaves: Sequence[StringFilter]) -> Iterator[Callable[[pl.Series], pl.Series]]:
    """Yields functions from texts to matches: one for some patterns that Rust's engine reads together, or for one."""
    joined, instructions = list[str](), 0
    for leaf in leaves:
        pattern = compiled(leaf)
        spelled = _spelled(leaf)
        if not _is_read_by_rust(spelled):
            yield _with_re2(pattern, full=leaf.match == "FULL_REGEXP")
            continue
        if joined and instructions + pattern.programsize > JOINED_INSTRUCTIONS:
            yield _with_rust(joined)
            joined, instructions = [], 0
        joined.append(spelled)
        instructions += pattern.programsize
    if joined:
        yield _with_rust(joined)


def _spelled(leaf: StringFilter) -> str:
    spelled = rust_pattern(leaf.value, case_sensitive=leaf.case_sensitive, named=False)
    return rf"\A(?:{spelled})\z" if leaf.match == "FULL_REGEXP" else f"(?:{spelled})"


def _is_read_by_rust(spelled: str) -> bool:
    try:
        pl.Series([""]).str.contains(spelled)
    except pl.exceptions.ComputeError:
        return False
    return True


def _with_rust(patterns: Iterable[str]) -> Callable[[pl.Series], pl.Series]:
    together = "|".join(patterns)
    return lambda texts: texts.str.contains(together)


def _with_re2(pattern: Any, *, full: bool) -> Callable[[pl.Series], pl.Series]:
    search = pattern.fullmatch if full else pattern.search
    return lambda texts: pl.Series([search(text) is not None for text in texts], dtype=pl.Boolean)


def _pieces(texts: pl.Series) -> Iterator[pl.Series]:
    """Yields the texts in pieces, with a checkpoint before each: the first one small, the next ones as large as can be
    matched in PIECE_S by the speed of the one before.
    """
    at, size = 0, FIRST_PIECE_BYTES
    while at < len(texts):
        checkpoint()
        piece = _of_bytes(texts, at, size)
        began = time.perf_counter()
        yield piece
        at += len(piece)
        size = int(min(2.0, PIECE_S / max(time.perf_counter() - began, 1e-6)) * size) or 1


def _of_bytes(texts: pl.Series, at: int, size: int) -> pl.Series:
    """Returns the texts from `at` on that have `size` bytes together, at least one."""
    piece = texts.slice(at, max(size // 8, 1))  # most texts are longer than 8 bytes
    fitting = piece.str.len_bytes().cum_sum().search_sorted(size, side="right")
    return piece.head(max(fitting, 1))
