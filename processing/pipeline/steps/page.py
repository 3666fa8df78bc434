"""Finds host, path and query of the page that an event is about. Hostile text is cut, not cleaned."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import dictionary_encode, on_some
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.urls import LONGEST_QUERY, host_of, path_of, split_url, without_query
from processing.pipeline.protocols import IS_SERVER_LOG
from processing.pipeline.row_ops import look_up

KEYS: Final = (without_query(pl.coalesce("dl", "target")), pl.col("dh"), without_query(pl.col("dp")))
FACTS: Final = {"host": pl.String(), "path": pl.String()}

# Parameters that say where the visitor came from, not what the page is: tags, click ids, and `_gl` of a link between
# two domains.
CLICK_IDS: Final = [name for name, *_ in rows("click_ids")]
TAG: Final = rf"(?i)&(?:utm_[^=&]*|_gl|{'|'.join(CLICK_IDS)})(?:=[^&]*)?&"
TAGGED: Final = ["utm_", "_gl", *CLICK_IDS]


def page(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`dh` and `dp` win over `dl`; a log's lines name no host, so the property's first domain stands for it."""
    found = frame.hstack(look_up(frame, KEYS, FACTS, find_page)).with_columns(query=find_queries(frame))
    return _with_log_host(found, rules)


def find_page(address: str | None, dh: str | None, dp: str | None) -> tuple[str | None, str | None]:
    """Returns host and path, None if the client names none. A cache would not be quicker."""
    host, path = split_url(address) if address is not None else (None, None)
    return host_of(dh or "") or host, path_of(dp) if dp else path


def find_queries(frame: pl.DataFrame) -> pl.Series:
    """Returns the query of the URL that names the path, without tags; null if nothing is left."""
    path = pl.when(pl.col("dp").ne("")).then("dp")
    address = frame.select(pl.coalesce(path, "dl", "target")).to_series()
    has_query = address.str.contains("?", literal=True).fill_null(value=False)
    return on_some(address, has_query, _queries).alias("query")


def _queries(addresses: pl.Series) -> pl.Series:
    queries = addresses.str.extract(r"^[^?#]*\?([^#]+)", 1)
    tagged = queries.str.contains_any(TAGGED, ascii_case_insensitive=True).fill_null(value=False)
    plain = on_some(queries, tagged, lambda some: dictionary_encode(some).map(_without_tags).rows())
    return plain.zip_with(tagged, queries).str.slice(0, LONGEST_QUERY)


def _without_tags(queries: pl.Series) -> pl.Series:
    """Removes the tagged parameters: `a=1&gclid=x&b=2` -> `a=1&b=2`."""
    # Each parameter gets separators of its own (`&a=1&&gclid=x&&b=2&`), since neighbours would share one.
    separated = "&" + queries.str.replace_all("&", "&&", literal=True) + "&"
    kept = separated.str.replace_all(TAG, "").str.replace_all("&&", "&", literal=True)
    kept = kept.str.strip_prefix("&").str.strip_suffix("&")
    return kept.replace("", None)


def _with_log_host(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    from_log = frame.select(IS_SERVER_LOG).to_series()
    if not rules.settings.domains or not from_log.any():
        return frame
    own = pl.when(from_log).then(pl.lit(rules.settings.domains[0].lower()))
    return frame.with_columns(host=pl.coalesce("host", own))
