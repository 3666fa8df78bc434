"""The texts of dimensions that are more than a column, from rows in memory."""

from datetime import date
from typing import Any, Final

import polars as pl
import pytest

from processing.pipeline.lookups.lists import rows
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report, StringFilter
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import NOT_SET
from tests.support.builders import view_of

NOW: Final = Now.at_end_of(date(2026, 11, 30), "Etc/UTC")
TEXTS: Final = pytest.mark.parametrize("texts", [pl.Categorical, pl.String])


def shown(dimension: str, *events: dict[str, Any], texts: Any = pl.Categorical, **asked: Any) -> dict[str, float]:
    """Returns the events by the dimension's value."""
    report = Report(
        date_ranges=(DateRange("2026-11-01", "2026-11-30"),), dimensions=(dimension,), metrics=("eventCount",), **asked
    )
    answer = run(report, view_of(*events, texts=texts), NOW)
    return {row.dimensions[0]: row.metrics[0] for row in answer.rows}


@TEXTS
def test_it_works(texts: Any) -> None:
    events: list[dict[str, Any]] = [
        {"country": "Germany"},
        {"country": "Austria"},
        {"country": "Brazil"},
        {"country": None},
    ]
    assert shown("continent", *events, texts=texts) == {"Europe": 2, "Americas": 1, NOT_SET: 1}


PAGE: Final = {"host": "a.example", "path": "/a", "query": "q=1"}
CASES: Final[list[tuple[str, dict[str, Any], str]]] = [
    ("countryId", {"country": "Côte d’Ivoire"}, "CI"),
    ("countryId", {"country": "Nowhere"}, NOT_SET),
    ("continentId", {"country": "Japan"}, "142"),
    ("continent", {"country": "Antarctica"}, "Antarctica"),
    ("continent", {"country": "Kosovo"}, "Europe"),
    ("pageLocation", {**PAGE, "scheme": "https"}, "https://a.example/a?q=1"),
    ("pageLocation", {**PAGE, "scheme": "http", "query": None}, "http://a.example/a"),
    ("pageLocation", {**PAGE, "scheme": None}, "a.example/a?q=1"),
    ("pageLocation", {"host": None, "path": None, "scheme": None}, "(not set)(not set)"),
    ("unifiedPageScreen", PAGE, "/a?q=1"),
    ("unifiedPagePathScreen", PAGE, "/a"),
    ("unifiedScreenName", {"title": "Shoes"}, "Shoes"),
    ("unifiedScreenClass", {"title": None}, NOT_SET),
    ("operatingSystemWithVersion", {"system": "Windows", "system_version": "11"}, "Windows 11"),
    ("operatingSystemWithVersion", {"system": "Linux", "system_version": None}, "Linux"),
    ("operatingSystemWithVersion", {"system": None, "system_version": "11"}, NOT_SET),
    ("platform", {}, "web"),
    ("platform", {"device": None}, "web"),
    ("platformDeviceCategory", {"device": "smart tv"}, "web / smart tv"),
    ("platformDeviceCategory", {"device": None}, "web / (not set)"),
    ("language", {"language": "de-at"}, "German"),
    ("language", {"language": "sr"}, "Serbian"),
    ("language", {"language": "gez-et"}, "gez"),
    ("language", {"language": None}, NOT_SET),
    ("languageCode", {"language": "de-at"}, "de-at"),
    ("signedInWithUserId", {"signed_in": True}, "yes"),
    ("signedInWithUserId", {"signed_in": False}, "no"),
    ("signedInWithUserId", {"signed_in": None}, NOT_SET),
]


@TEXTS
@pytest.mark.parametrize(("dimension", "event", "expected"), CASES)
def test_values(dimension: str, event: dict[str, Any], expected: str, texts: Any) -> None:
    assert shown(dimension, event, texts=texts) == {expected: 1}
    assert shown(dimension, event, {**event, "event": "scroll"}, texts=texts) == {expected: 2}


def test_languages_of_several_countries_are_one() -> None:
    assert shown("language", {"language": "en-us"}, {"language": "en-gb"}, {"language": "en"}) == {"English": 3}


def test_they_can_be_filtered() -> None:
    events: list[dict[str, Any]] = [{"country": "Germany"}, {"country": "Brazil"}, {"country": None}]
    only = StringFilter("continent", "europe", "EXACT")
    assert shown("country", *events, dimension_filter=only) == {"Germany": 1}
    assert shown("continent", *events, dimension_filter=StringFilter("countryId", "BR", "EXACT")) == {"Americas": 1}


def test_every_country_is_on_one_continent() -> None:
    placed = [code for _, _, codes in rows("continents") for code in codes.split(" ")]
    assert sorted(placed) == sorted(code for code, _ in rows("countries"))


def test_every_definition_is_a_sentence() -> None:
    for dimension in DIMENSIONS.values():
        assert dimension.definition.endswith("."), dimension.name
        assert dimension.columns, dimension.name
