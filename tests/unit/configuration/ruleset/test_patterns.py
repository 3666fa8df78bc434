"""Owners' patterns: what is refused, and that Rust's engine finds what RE2 finds."""

import polars as pl
import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from configuration.ruleset.patterns import LONGEST_PATTERN, any_of, pattern_error, rust_pattern, unknown_reference


def found(pattern: str, text: str, *, case_sensitive: bool = False) -> bool:
    return bool(pl.Series([text]).str.contains(rust_pattern(pattern, case_sensitive=case_sensitive)).item())


def test_it_works() -> None:
    assert pattern_error(r"^/(en|de)/shop/\d+$") is None
    assert found(r"^/(en|de)/shop/\d+$", "/EN/shop/12")
    assert not found(r"^/(en|de)/shop/\d+$", "/EN/shop/12", case_sensitive=True)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "missing"),
        ("(?=a)", "(?="),
        (r"(a)\1", r"\1"),
        ("a" * (LONGEST_PATTERN + 1), "at most 256"),
        (r"\pL{100}", "too large"),
        ("((a{1,20}){1,20}){1,20}", "repetition"),
        ("[^a]{900}", "too large"),
        ("a{2000}", "repetition"),
        (r"\Qa\E", "not offered"),
        (r"\C", "not offered"),
        ("\ud800", "not text"),
    ],
)
def test_what_is_refused(pattern: str, said: str) -> None:
    assert said in (pattern_error(pattern) or "")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\w", "é", False),
        (r"\d", "٣", False),
        (r"\bb", "éb", True),
        (r"[\w.-]+@", "a.b-c@", True),
        (r"^[^\W]$", "a", True),
        ("^[]a]$", "]", True),
        ("^[^]a]$", "]", False),
        ("^[a[b]$", "[", True),
        ("^[a&&b]$", "&", True),
        ("^[[:alpha:]_]$", "_", True),
        ("^[:a]$", ":", True),
        (r"^\[a", "[a", True),
    ],
)
def test_it_means_what_re2_says(pattern: str, text: str, expected: bool) -> None:
    assert pattern_error(pattern) is None
    assert found(pattern, text) is expected is (re2.compile(f"(?i){pattern}").search(text) is not None)


ATOMS = st.sampled_from(
    ["a", "b", "B", r"\w", r"\W", r"\d", r"\s", r"\S", r"\b", ".", "[ab]", "[^a]", r"[\w-]", r"[^\W]", "[a[b]", "[]a]"]
    + [
        "a*",
        "(a|b)",
        "^",
        "$",
        r"\.",
        "[[:digit:]a]",
        "-",
        "é",
        "[&a]",
        "x{2}",
        r"[\D]",
        "(?i)b",
        "[^[:alpha:]]",
        "[~~]",
    ]
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(ATOMS, min_size=1, max_size=4), st.text(st.sampled_from("abB1 é.-_&~[]A\nx"), max_size=8), st.booleans()
)
def test_both_engines_agree(atoms: list[str], text: str, case_sensitive: bool) -> None:
    pattern = "".join(atoms)
    assert pattern_error(pattern) is None
    options = re2.Options()
    options.case_sensitive = case_sensitive
    expected = re2.compile(pattern, options).search(text) is not None
    assert found(pattern, text, case_sensitive=case_sensitive) is expected


@settings(deadline=None)
@given(st.text(st.sampled_from(r"\[](){}*+?|^$.:&~-ab1QEwdbp,") | st.characters(codec="utf-8"), max_size=20))
def test_any_text_is_refused_or_can_be_used(pattern: str) -> None:
    if pattern_error(pattern) is None:
        assert found(pattern, "a") in {True, False}


def test_groups_that_a_replacement_names() -> None:
    pattern = "(a)(?P<rest>b)"
    assert unknown_reference(pattern, "$1 ${2} $rest ${rest} $0 $$9 $") is None
    assert unknown_reference(pattern, "$3") == "3"
    assert unknown_reference(pattern, "$1x") == "1x"
    assert unknown_reference(pattern, "${nobody}") == "nobody"


@given(
    st.lists(st.sampled_from(["(?P<n>a)", "[(?P<n>]", r"\(b", "(?i)B", "x{2}", "(?:c)", "^$"]), min_size=1, max_size=9)
)
def test_several_patterns_find_what_any_of_them_does(patterns: list[str]) -> None:
    together = any_of((pattern, True) for pattern in patterns)
    for text in ("a", "n", "(b", "b", "xx", "c", "", "?"):
        alone = any(found(pattern, text, case_sensitive=True) for pattern in patterns)
        assert bool(pl.Series([text]).str.contains(together).item()) is alone
