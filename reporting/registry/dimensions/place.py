"""Dimensions of the place."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from processing.pipeline.lookups.lists import rows
from reporting.registry.dimensions.model import of_column, translated


@cache
def _codes() -> Mapping[str, str]:
    return {name: code for code, name in rows("countries")}


@cache
def _continents() -> Mapping[str, str]:
    return _by_country({code: name for _, name, codes in rows("continents") for code in codes.split(" ")})


@cache
def _continent_numbers() -> Mapping[str, str]:
    return _by_country({code: number for number, _, codes in rows("continents") for code in codes.split(" ")})


def _by_country(by_code: Mapping[str, str]) -> Mapping[str, str]:
    return {name: by_code[code] for name, code in _codes().items()}


PLACE: Final = (
    of_column(
        "country",
        "Country",
        "Geography",
        "The English name of the country from which the event was sent.",
        "country",
        example="Germany",
    ),
    translated(
        "countryId",
        "Country ID",
        "Geography",
        "The country's ISO 3166-1 alpha-2 code.",
        column="country",
        names=_codes,
        example="DE",
    ),
    translated(
        "continent",
        "Continent",
        "Geography",
        "The continent of the country, one of the regions of the United Nations (M49): Africa, Americas, Asia, Europe,"
        " Oceania; or Antarctica.",
        column="country",
        names=_continents,
        example="Europe",
    ),
    translated(
        "continentId",
        "Continent ID",
        "Geography",
        "The continent's number with the United Nations (M49), such as 150 for Europe.",
        column="country",
        names=_continent_numbers,
        example="150",
    ),
    of_column(
        "region",
        "Region",
        "Geography",
        "The English name of the region within the country, as the file of places has it.",
        "region",
        example="Bavaria",
    ),
    of_column(
        "city",
        "City",
        "Geography",
        "The English name of the city, as the file of places has it. Cities of the same name are one value.",
        "city",
        example="Munich",
    ),
)
