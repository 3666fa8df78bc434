"""Regular expressions on many texts: in the meaning of RE2, in pieces that can be ended."""

from collections.abc import Callable
from typing import Any, Literal

import polars as pl
import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from processing.interruption import interruptible
from reporting.model.report import StringFilter
from reporting.query.patterns import FIRST_PIECE_BYTES, JOINED_INSTRUCTIONS, compiled, match_any

TEXTS = ["/shop", "/Shop/cart", "<b>", "é", "", "a\nb", "/p/12"]


def partial(value: str, *, case_sensitive: bool = False) -> StringFilter:
    return StringFilter("pagePath", value, "PARTIAL_REGEXP", case_sensitive)


def matching(*leaves: StringFilter, texts: list[str] = TEXTS) -> list[str]:
    return pl.Series(texts, dtype=pl.String).filter(match_any(leaves, pl.Series(texts, dtype=pl.String))).to_list()


def test_it_works() -> None:
    assert matching(partial("^/shop"), StringFilter("pagePath", r"/p/\d+", "FULL_REGEXP")) == [
        "/shop",
        "/Shop/cart",
        "/p/12",
    ]
    assert matching() == []
    assert matching(partial("x"), texts=[]) == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\<b\>",
        r"\Q<b>\E",
        r"\C",
        "a{,2}",
        "[a&&b]",
        r"\101",
        "(?i)É",
        "a$",
        r"(?m)a$",
        r"\bb",
        "(?P<n>b)|(?P<m>c)",
        "(",
    ],
)
def test_every_pattern_means_what_re2_says(pattern: str) -> None:
    """Also one that Rust's engine reads differently, or not at all: \\Q, \\C, \\101."""
    try:
        engine = re2.compile(pattern)
    except re2.error:
        with pytest.raises(ValueError, match="not one of RE2"):
            matching(partial(pattern))
        return
    assert matching(partial(pattern, case_sensitive=True)) == [text for text in TEXTS if engine.search(text)]
    full = StringFilter("pagePath", pattern, "FULL_REGEXP", case_sensitive=True)
    assert matching(full) == [text for text in TEXTS if engine.fullmatch(text)]


ATOMS = st.sampled_from(["a", "B", r"\w", r"\C", "|", "^", "$", "(?i)b", "x|y", r"\Qa\E", "[ab]", ".*", "é", r"\<"])
KINDS: st.SearchStrategy[Literal["FULL_REGEXP", "PARTIAL_REGEXP"]] = st.sampled_from(["FULL_REGEXP", "PARTIAL_REGEXP"])


@given(
    st.lists(st.tuples(st.lists(ATOMS, min_size=1, max_size=3), KINDS, st.booleans()), min_size=1, max_size=6),
    st.lists(st.text(st.sampled_from("abBxé<\n"), max_size=5), max_size=12),
)
def test_several_patterns_match_what_any_of_them_does(parts: Any, texts: list[str]) -> None:
    leaves = [StringFilter("pagePath", "".join(atoms), kind, sensitive) for atoms, kind, sensitive in parts]

    def is_matched(leaf: StringFilter, text: str) -> bool:
        search = compiled(leaf).fullmatch if leaf.match == "FULL_REGEXP" else compiled(leaf).search
        return search(text) is not None

    assert matching(*leaves, texts=texts) == [text for text in texts if any(is_matched(leaf, text) for leaf in leaves)]


def test_large_patterns_are_joined_in_parts() -> None:
    leaves = [partial(f"/{'x' * 900}{number}|/p/{number}$") for number in range(20)]
    assert sum(compiled(leaf).programsize for leaf in leaves) > 2 * JOINED_INSTRUCTIONS
    assert matching(*leaves) == ["/p/12"]


class Enough(Exception):
    """Ends the work in a test."""


def ending_at(number: int) -> Callable[[], None]:
    """Returns a check that ends the work at a checkpoint."""
    seen = 0

    def check() -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise Enough

    return check


@pytest.mark.parametrize("pattern", ["z$", r"\Qz\E$"])
def test_work_ends_between_two_pieces(pattern: str) -> None:
    """Both engines: with RE2's, which is slower, pieces become smaller."""
    texts = pl.Series(["/a/page/of/some/length"] * FIRST_PIECE_BYTES)
    with pytest.raises(Enough), interruptible(ending_at(2)):
        match_any([partial(pattern)], texts)
    with interruptible(ending_at(0)):
        assert not match_any([partial(pattern)], texts).any()
