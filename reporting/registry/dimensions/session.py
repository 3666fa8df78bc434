"""Dimensions of the session: where it begins and ends."""

from typing import Final

import polars as pl

from reporting.registry.dimensions.model import NOT_SET, Dimension, filled, plain
from reporting.registry.dimensions.page import with_query


def _number(key: pl.Expr) -> pl.Expr:
    return pl.when(key == 0).then(pl.lit(NOT_SET)).otherwise(key.cast(pl.String))


SESSION: Final = (
    Dimension(
        name="landingPage",
        label="Landing page",
        category="Session",
        scope="session",
        definition="The path of the session's first page view, by the end of the event's local day.",
        columns=("landing_path",),
        key=lambda _zone: filled("landing_path"),
        text=plain,
        example="/shop",
    ),
    Dimension(
        name="landingPagePlusQueryString",
        label="Landing page + query string",
        category="Session",
        scope="session",
        definition="Path and query of the session's first page view, by the end of the event's local day; campaign tags"
        " and click ids are not part of it.",
        columns=("landing_path", "landing_query"),
        key=lambda _zone: with_query("landing_path", "landing_query"),
        text=plain,
        example="/shop?page=2",
    ),
    Dimension(
        name="exitPage",
        label="Exit page",
        category="Session",
        scope="session",
        definition="The path of the session's last page view, as far as it is known: a session that goes on changes it,"
        " also for its events of earlier days.",
        columns=("exit_path",),
        key=lambda _zone: filled("exit_path"),
        text=plain,
        example="/checkout",
    ),
    Dimension(
        name="sessionNumber",
        label="Session number",
        category="Session",
        scope="session",
        definition="The number of the session among those of its visitor, from 1, as the client counts them (sct) and"
        " the session's first event says.",
        columns=("session_visit_number",),
        key=lambda _zone: pl.col("session_visit_number").fill_null(0),
        text=_number,
        example="3",
    ),
)
