"""Dimensions of the event itself."""

from typing import Final

import polars as pl

from reporting.registry.dimensions.model import NOT_SET, Dimension, of_column, plain


def _yes_or_no(column: str) -> pl.Expr:
    return pl.when(column).then(pl.lit("yes")).when(pl.col(column).eq(other=False)).then(pl.lit("no"))


EVENT: Final = (
    of_column(
        "eventName", "Event name", "Event", "The name of the event, such as page_view.", "event", example="page_view"
    ),
    of_column(
        "protocol",
        "Protocol",
        "Event",
        "How the event came: ga4 from a tracker, access_log from a line of an access log.",
        "protocol",
        example="ga4",
    ),
    Dimension(
        name="signedInWithUserId",
        label="Signed in with user ID",
        category="Event",
        scope="event",
        definition="yes if the client sent a user id with the event, otherwise no. The id itself is in no report.",
        columns=("signed_in",),
        key=lambda _zone: _yes_or_no("signed_in").fill_null(NOT_SET),
        text=plain,
        example="yes",
    ),
)
