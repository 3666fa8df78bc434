"""Which page an event is about: host, path and query of its address. Whatever the client wrote is text: cut, not
cleaned.
"""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import dictionary_encode, on_some
from processing.pipeline.lookups.lists import rows
from processing.pipeline.lookups.urls import LONGEST_QUERY, host_of, parts, path_of, without_query
from processing.pipeline.protocols import IS_SERVER_LOG
from processing.pipeline.row_ops import look_up

KEYS: Final = (without_query(pl.coalesce("dl", "target")), pl.col("dh"), without_query(pl.col("dp")))
FOUND: Final = {"host": pl.String(), "path": pl.String()}

# Where the visitor came from is no part of the page: tags, click ids, and the mark of a link between two domains.
CLICK_IDS: Final = [name for name, *_ in rows("click_ids")]
TAG: Final = rf"(?i)&(?:utm_[^=&]*|_gl|{'|'.join(CLICK_IDS)})(?:=[^&]*)?&"
TAGGED: Final = ["utm_", "_gl", *CLICK_IDS]


def page(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`dh` and `dp` win over `dl`; a log's lines name no host, so the property's first domain stands for it."""
    found = frame.hstack(look_up(frame, KEYS, FOUND, find_page)).with_columns(query=find_queries(frame))
    return _with_log_host(found, rules)


def find_page(address: str | None, dh: str | None, dp: str | None) -> tuple[str | None, str | None]:
    """Host and path, null where the client names none. There is no cache: taking apart is as quick as looking up."""
    host, path = parts(address) if address is not None else (None, None)
    return host_of(dh or "") or host, path_of(dp) if dp else path


def find_queries(frame: pl.DataFrame) -> pl.Series:
    """The query of the address that names the path, without tags; null where nothing is left."""
    path = pl.when(pl.col("dp").ne("")).then("dp")
    address = frame.select(pl.coalesce(path, "dl", "target")).to_series()
    asked = address.str.contains("?", literal=True).fill_null(value=False)
    return on_some(address, asked, _queries).alias("query")


def _queries(addresses: pl.Series) -> pl.Series:
    queries = addresses.str.extract(r"^[^?#]*\?([^#]+)", 1)
    tagged = queries.str.contains_any(TAGGED, ascii_case_insensitive=True).fill_null(value=False)
    plain = on_some(queries, tagged, lambda some: dictionary_encode(some).map(_without_tags).rows())
    return plain.zip_with(tagged, queries).str.slice(0, LONGEST_QUERY)


def _without_tags(queries: pl.Series) -> pl.Series:
    """Each parameter is put between marks of its own, since those side by side would share one."""
    apart = "&" + queries.str.replace_all("&", "&&", literal=True) + "&"
    left = apart.str.replace_all(TAG, "").str.replace_all("&&", "&", literal=True)
    left = left.str.strip_prefix("&").str.strip_suffix("&")
    return left.replace("", None)


def _with_log_host(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    from_log = frame.select(IS_SERVER_LOG).to_series()
    if not rules.settings.domains or not from_log.any():
        return frame
    own = pl.when(from_log).then(pl.lit(rules.settings.domains[0].lower()))
    return frame.with_columns(host=pl.coalesce("host", own))
