import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.lookups.versions import (
    LONGEST_VERSION,
    plain_version,
    system_version,
    system_version_of_hint,
    version_behind,
)


def test_it_works() -> None:
    assert version_behind("OPR/", "Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0") == "110.0.0.0"
    assert system_version_of_hint("Windows", "15.0.0") == "11"
    assert system_version("10.15.7") == "10.15.7"


@pytest.mark.parametrize(
    ("hint", "version"),
    [("0.1.0", "7"), ("0.2.0", "8"), ("0.3.0", "8.1"), ("0.4.0", None), ("0", None), ("1.0.0", "10"), ("10.0.0", "10")]
    + [("13.0.0", "11"), ("19", "11"), ("", None), ("x", None)],
)
def test_windows_counts_in_its_own_way(hint: str, version: str | None) -> None:
    assert system_version_of_hint("Windows", hint) == version


@pytest.mark.parametrize(
    ("hint", "version"), [("14.0.0", "14"), ("14.5.0", "14.5"), ("10.0", "10"), ("0.0", "0"), ("", None), ("<b>", None)]
)
def test_other_systems_count_as_they_say(hint: str, version: str | None) -> None:
    assert system_version_of_hint("Macintosh", hint) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [("XP", "XP"), ("Server 2012 R2", "Server 2012 R2"), ("17.0", "17"), ("", None), ("1\n", None), ("\u0661", None)],
)
def test_versions_of_user_agents(text: str, version: str | None) -> None:
    assert system_version(text) == version


def test_a_version_ends_where_its_digits_end() -> None:
    assert version_behind("Silk/", "Silk/108.4.6 like Chrome") == "108.4.6"
    assert version_behind("X/", "X/12.;") == "12"
    assert version_behind("X/", "X/beta") is None
    assert version_behind("X/", "Y/1") is None
    assert version_behind("X/", "X/" + "1" * 99) == "1" * LONGEST_VERSION


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    for version in (plain_version(text), system_version(text), system_version_of_hint("Windows", text)):
        assert version is None or (version.isascii() and len(version) <= LONGEST_VERSION)
