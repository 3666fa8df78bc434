"""Finds address, title and referrer of the page that an event is about, and tags. Hostile text is cut, not cleaned."""

from typing import Final

import polars as pl

from configuration.ruleset.domain_names import comparable_domain
from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import on_some
from processing.pipeline.lookups.percent_encoding import MAY_CHANGE
from processing.pipeline.lookups.tags import SIGNS
from processing.pipeline.lookups.urls import LONGEST_QUERY, host_of, parameters_of, path_of, split_url, without_query
from processing.pipeline.protocols import IS_SERVER_LOG
from processing.pipeline.row_ops import look_up

ADDRESS: Final = pl.coalesce("dl", "target")
KEYS: Final = (without_query(ADDRESS), pl.col("dh"), without_query(pl.col("dp")))
FACTS: Final = {"host": pl.String(), "path": pl.String()}
LONGEST_TITLE: Final = 300
LONGEST_REFERRER: Final = 2_048
PARAMETERS: Final = {"query": pl.String(), "tags": pl.String()}
SPECIAL_SIGNS: Final = [*SIGNS, "amp;", "#/", "#!"]


def page(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`dh` and `dp` win over `dl`; the property's first domain stands for a log's line that names no host.

    Adds `tags`, of `dl` and `dp`, for the step that finds the source.
    """
    return with_host_and_path(frame, rules).with_columns(
        find_parameters(frame),
        title=_cut(frame["dt"].str.strip_chars(), LONGEST_TITLE),
        referrer=_cut(frame["dr"], LONGEST_REFERRER),
        scheme=_scheme(ADDRESS.str.head(len("https://")).str.to_lowercase()),
    )


def with_host_and_path(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    return _with_log_host(frame.hstack(look_up(frame, KEYS, FACTS, find_page)), rules)


def find_page(address: str | None, dh: str | None, dp: str | None) -> tuple[str | None, str | None]:
    """Returns host and path, None if the client names none. A cache would not be quicker."""
    host, path = split_url(address) if address is not None else (None, None)
    return host_of(dh or "") or host, path_of(dp) if dp else path


def find_parameters(frame: pl.DataFrame) -> list[pl.Series]:
    """Returns the columns `query`, of the URL that names the path, and `tags`; null where there are none."""
    query, tags = _parameters(frame.select(ADDRESS).to_series())
    given = frame["dp"].replace("", None)
    if given.null_count() < frame.height:
        query_of_given, tags_of_given = _parameters(given)
        query = query_of_given.zip_with(given.is_not_null(), query)
        both = pl.concat_str(pl.lit(tags), pl.lit(tags_of_given), separator="&", ignore_nulls=True)
        tags = pl.select(both).to_series().replace("", None)
    return [query.alias("query"), tags.alias("tags")]


def _parameters(addresses: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns queries and tags. Most queries stay as they are, without a call of Python for each of them."""
    has_any = addresses.str.contains_any(["?", "#"]).fill_null(value=False)
    special = on_some(addresses, has_any, _is_special).fill_null(value=False)
    plain = on_some(addresses, has_any & ~special, lambda some: some.str.extract(r"^[^?#]*\?([^#]+)", 1))
    urls = addresses.filter(special).to_frame("url")
    read = look_up(urls, [pl.col("url")], PARAMETERS, parameters_of)
    query = on_some(addresses, special, lambda _: read["query"])
    tags = on_some(addresses, special, lambda _: read["tags"])
    return query.zip_with(special, plain.str.slice(0, LONGEST_QUERY)), tags


def _is_special(addresses: pl.Series) -> pl.Series:
    has_sign = addresses.str.contains_any(SPECIAL_SIGNS, ascii_case_insensitive=True)
    return has_sign | addresses.str.contains(MAY_CHANGE)


def _scheme(start: pl.Expr) -> pl.Expr:
    return (
        pl.when(start.eq("https://")).then(pl.lit("https")).when(start.str.starts_with("http://")).then(pl.lit("http"))
    )


def _cut(texts: pl.Series, longest: int) -> pl.Series:
    """Empty text becomes null."""
    if (texts.str.len_bytes() > longest).any():
        texts = texts.str.head(longest)
    return pl.select(pl.when(texts.ne("")).then(texts)).to_series()


def _with_log_host(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    from_log = frame.select(IS_SERVER_LOG).to_series()
    if not rules.settings.domains or not from_log.any():
        return frame
    own = pl.when(from_log).then(pl.lit(comparable_domain(rules.settings.domains[0])))
    return frame.with_columns(host=pl.coalesce("host", own))
