"""Reads the fields that conditions name out of a frame between the steps."""

from collections.abc import Callable
from typing import Final

import polars as pl

from configuration.ruleset.fields import CONTENT_GROUP, FIELDS, PARAMETER, USER_PROPERTY
from processing.pipeline.conditions.dictionary_column import DictionaryColumn, dictionary_encode
from processing.pipeline.conditions.parameters import EVENT_PARAMETER, USER_PARAMETER, parameter
from processing.pipeline.custom_values import GROUP, extract
from processing.pipeline.lookups.urls import authority, host_of

ADDRESS: Final = "address"  # owners cannot name this field: only conditions on networks read it

# Fields whose column has another name; every other field is the column of its name.
COLUMNS: Final[dict[str, str]] = {
    "title": "dt",
    "referrer": "dr",
    "language": "ul",
    "screen": "sr",
    "traffic_type": "tt",
    "currency": "cu",
}


class UnknownField(ValueError):
    """No field has this name: the ruleset was not checked."""


def field_column(field: str, frame: pl.DataFrame) -> DictionaryColumn:
    """Returns the field's value for each row of the frame. Raises UnknownField."""
    prefix, mark, name = field.partition(":")
    if mark and name and prefix + mark in MEMBERS:
        return MEMBERS[prefix + mark](frame, name)
    if field in DERIVED:
        return DERIVED[field](frame)
    if field not in FIELDS and field != ADDRESS:
        raise UnknownField(field)
    return dictionary_encode(frame[COLUMNS.get(field, field)])


def _page(frame: pl.DataFrame) -> DictionaryColumn:
    return dictionary_encode(frame.select(pl.coalesce("dl", "target")).to_series())


def _referrer_host(frame: pl.DataFrame) -> DictionaryColumn:
    authorities = dictionary_encode(frame["dr"]).map(
        lambda values: values.to_frame("url").select(authority(pl.col("url"))).to_series()
    )
    return authorities.map_each(lambda text: host_of(text or "") or "")


def _content_group(frame: pl.DataFrame, name: str) -> DictionaryColumn:
    return dictionary_encode(frame.select(extract("custom", GROUP + name)).to_series())


DERIVED: Final[dict[str, Callable[[pl.DataFrame], DictionaryColumn]]] = {"page": _page, "referrer_host": _referrer_host}

# Fields of the form `prefix:name`.
MEMBERS: Final[dict[str, Callable[[pl.DataFrame, str], DictionaryColumn]]] = {
    PARAMETER: lambda frame, name: parameter(frame["rest"], EVENT_PARAMETER, name),
    USER_PROPERTY: lambda frame, name: parameter(frame["rest"], USER_PARAMETER, name),
    CONTENT_GROUP: _content_group,
}
