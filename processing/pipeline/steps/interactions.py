"""Reads the parameters of clicks, downloads, scrolls, searches, forms and videos, by the names that Google gave them.

An event carries few of them, so one column holds all: `link_url=https://example.org/&outbound=true`, see
custom_values.py.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import DictionaryColumn, dictionary_encode, on_some
from processing.pipeline.conditions.parameters import EVENT_PARAMETER, parameter
from processing.pipeline.custom_values import LONGEST, join, pair
from processing.pipeline.lookups.urls import authority, host_of

LONGEST_URL: Final = 2_048
HUNDRED: Final = 100
NUMBER: Final = re.compile(r"[0-9]{1,3}(?:\.[0-9]{0,20})?")


def _same(text: str) -> str:
    return text


def _flag(text: str) -> str:
    """Returns "true", "false", or "" for any other text."""
    return {"true": "true", "1": "true", "false": "false", "0": "false"}.get(text.lower(), "")


def _percent(text: str) -> str:
    """Returns a number from 0 to 100 without its fraction, "" for any other text."""
    return str(int(float(text))) if NUMBER.fullmatch(text) and float(text) <= HUNDRED else ""


class Kind(NamedTuple):
    read: Callable[[str], str] = _same
    longest: int = LONGEST


TEXT, URL, FLAG, PERCENT = Kind(), Kind(longest=LONGEST_URL), Kind(_flag), Kind(_percent)
# By the name of the parameter, which is the name in the column, too.
PARAMETERS: Final[dict[str, Kind]] = {
    "link_url": URL,
    "link_domain": TEXT,
    "link_text": TEXT,
    "link_id": TEXT,
    "link_classes": TEXT,
    "outbound": FLAG,
    "file_name": URL,
    "file_extension": TEXT,
    "percent_scrolled": PERCENT,
    "search_term": TEXT,
    "form_id": TEXT,
    "form_name": TEXT,
    "form_destination": URL,
    "video_title": TEXT,
    "video_url": URL,
    "video_provider": TEXT,
    "video_percent": PERCENT,
    "method": TEXT,
}
SIGNS: Final = [f".{name}=" for name in PARAMETERS]
# The parameters of a page's address in which sites write what was searched for: the first that has a value counts.
SEARCHES: Final = ("q", "s", "search", "query", "keyword")
SEARCH_SIGNS: Final = [f"{name}=" for name in SEARCHES]
SEARCH_PATTERNS: Final = [f"(?i)(?:^|[&#]){name}=([^&#]+)" for name in SEARCHES]


def interactions(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """A page view whose address has a parameter of a search is a search, too, if it does not send `search_term`."""
    says = frame.select(HAS_PARAMETER | IS_SEARCH).to_series()
    if not says.any():
        return frame
    encoded = _encoded(frame.select("rest", "page_view", "query").filter(says))
    return frame.with_columns(interaction=on_some(frame["rest"], says, lambda _: encoded))


HAS_PARAMETER: Final = pl.col("rest").str.contains_any(SIGNS).fill_null(value=False)
IS_SEARCH: Final = (
    pl.col("page_view") & pl.col("query").str.contains_any(SEARCH_SIGNS, ascii_case_insensitive=True)
).fill_null(value=False)


def _encoded(frame: pl.DataFrame) -> pl.Series:
    columns = {
        name: parameter(frame["rest"], EVENT_PARAMETER, name).map_each(kind.read) for name, kind in PARAMETERS.items()
    }
    texts = {name: column.rows() for name, column in columns.items()}
    texts["link_domain"] = _or(texts["link_domain"], _hosts(columns["link_url"]))
    texts["search_term"] = _or(texts["search_term"], _searched(frame))
    said = [pair(name, pl.lit(text), PARAMETERS[name].longest) for name, text in texts.items() if (text != "").any()]
    return pl.select(join(pl.lit(None, dtype=pl.String), *said)).to_series().extend_constant(None, 0)


def _or(text: pl.Series, other: pl.Series) -> pl.Series:
    return text.zip_with((text != "") | other.is_null(), other)


def _hosts(links: DictionaryColumn) -> pl.Series:
    hosts = links.map(lambda urls: urls.to_frame("url").select(authority(pl.col("url"))).to_series())
    return hosts.map_each(lambda text: host_of(text or "") or "").rows()


def _searched(frame: pl.DataFrame) -> pl.Series:
    """Returns what the query of each page view's address says that was searched for, "" where it says nothing."""
    queries = dictionary_encode(frame.select(pl.when(IS_SEARCH).then("query")).to_series())
    found = queries.map(
        lambda texts: pl.select(pl.coalesce(pl.lit(texts).str.extract(each, 1) for each in SEARCH_PATTERNS)).to_series()
    )
    return found.map_each(lambda text: unquote_plus(text or "", errors="replace").strip()).rows()
