"""Dimensions of the page."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from processing.pipeline.custom_values import GROUP
from reporting.registry.dimensions.model import Dimension, decoded, filled, of_column, plain

CONTENT_GROUP: Final = "contentGroup"


def _full_page(zone: str) -> pl.Expr:
    return pl.concat_str(plain(filled("host")), _page_and_query(zone))


def _page_and_query(_zone: str) -> pl.Expr:
    return with_query("path", "query")


def with_query(path: str, query: str) -> pl.Expr:
    """Returns the two columns as one text."""
    return pl.map_batches([plain(filled(path)), plain(pl.col(query))], _joined, return_dtype=pl.String())


def _joined(columns: Sequence[pl.Series]) -> pl.Series:
    """Puts each query behind what it belongs to: path `/a#/b` and query `x#y` are `/a?x#/b?y`."""
    path, query = columns
    plain = pl.when(query.is_null()).then(path).otherwise(pl.concat_str(path, pl.lit("?"), query))
    if not path.str.contains("#", literal=True).any():  # most pages have no routes
        return pl.select(plain).to_series()
    (page, route), (own, of_route) = (text.str.splitn("#", 2).struct.unnest() for text in (path, query))
    with_route = pl.concat_str(page, _behind("?", own), pl.lit("#"), route, _behind("?", of_route))
    return pl.select(pl.when(route.is_null()).then(plain).otherwise(with_route)).to_series()


def _location(zone: str) -> pl.Expr:
    scheme = pl.when(pl.col("scheme").is_not_null()).then(plain(pl.col("scheme")) + "://")
    return pl.concat_str(scheme.fill_null(""), _full_page(zone))


def _behind(mark: str, text: pl.Series) -> pl.Expr:
    return pl.when(text.ne("")).then(pl.lit(mark) + pl.lit(text)).otherwise(pl.lit(""))


PAGE: Final = (
    of_column(
        "pagePath",
        "Page path",
        "Page",
        "The path of the page's address, without host and query; a fragment that begins with / or ! belongs to it.",
        "path",
        example="/shop/seeds",
    ),
    Dimension(
        name="pagePathPlusQueryString",
        label="Page path + query string",
        category="Page",
        scope="event",
        definition="Path and query of the page's address; campaign tags and click ids are not part of it.",
        columns=("path", "query"),
        key=_page_and_query,
        text=plain,
        example="/shop/seeds?sort=price",
    ),
    Dimension(
        name="fullPageUrl",
        label="Full page URL",
        category="Page",
        scope="event",
        definition="Host, path and query of the page's address, without https://; campaign tags and click ids are not"
        " part of it.",
        columns=("host", "path", "query"),
        key=_full_page,
        text=plain,
        example="shop.example/shop/seeds?sort=price",
    ),
    decoded(
        CONTENT_GROUP,
        "Content group",
        "Page",
        "The event's group in the first content group of the property's rules; contentGroup:<name> names another.",
        column="custom",
        key=GROUP,
        example="Shop",
    ),
    of_column("hostName", "Host name", "Page", "The host of the page's URL.", "host", example="shop.example"),
    Dimension(
        name="pageLocation",
        label="Page location",
        category="Page",
        scope="event",
        definition="Protocol, host, path and query of the page's address; campaign tags and click ids are not part of"
        " it. Without https:// or http:// where the client sent neither, as in access logs.",
        columns=("scheme", "host", "path", "query"),
        key=_location,
        text=plain,
        example="https://shop.example/shop/seeds?sort=price",
    ),
    of_column(
        "pageTitle",
        "Page title",
        "Page",
        "The title of the page, its first 300 characters.",
        "title",
        example="Seeds for your garden",
    ),
    of_column(
        "pageReferrer",
        "Page referrer",
        "Page",
        "The whole address of the page that led to this one, as it was sent, its first 2,048 characters; also where it"
        " is of the same site.",
        "referrer",
        example="https://search.example/?q=seeds",
    ),
    of_column(
        "unifiedPagePathScreen",
        "Page path and screen class",
        "Page",
        "The same as pagePath: web pages only.",
        "path",
        example="/shop/seeds",
    ),
    Dimension(
        name="unifiedPageScreen",
        label="Page path + query string and screen class",
        category="Page",
        scope="event",
        definition="The same as pagePathPlusQueryString: web pages only.",
        columns=("path", "query"),
        key=_page_and_query,
        text=plain,
        example="/shop/seeds?sort=price",
    ),
    of_column(
        "unifiedScreenClass",
        "Page title and screen class",
        "Page",
        "The same as pageTitle: web pages only.",
        "title",
        example="Seeds for your garden",
    ),
    of_column(
        "unifiedScreenName",
        "Page title and screen name",
        "Page",
        "The same as pageTitle: web pages only.",
        "title",
        example="Seeds for your garden",
    ),
)
