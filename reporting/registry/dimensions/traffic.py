"""Dimensions of how a session came."""

from typing import Final

import polars as pl

from reporting.registry.dimensions.model import Dimension, filled, of_column, plain


def _source_and_medium(_zone: str) -> pl.Expr:
    return pl.concat_str(plain(filled("session_source")), plain(filled("session_medium")), separator=" / ")


TRAFFIC: Final = (
    of_column(
        "sessionSource",
        "Session source",
        "Traffic source",
        "The source of the session's first event, such as google.",
        "session_source",
    ),
    of_column(
        "sessionMedium",
        "Session medium",
        "Traffic source",
        "How the session came, such as organic or referral, taken from the session's first event.",
        "session_medium",
    ),
    Dimension(
        name="sessionSourceMedium",
        label="Session source / medium",
        category="Traffic source",
        scope="session",
        definition="sessionSource and sessionMedium, separated by a slash.",
        columns=("session_source", "session_medium"),
        key=_source_and_medium,
        text=plain,
    ),
    of_column(
        "sessionCampaignName",
        "Session campaign",
        "Traffic source",
        "The campaign of the session's first event.",
        "session_campaign",
    ),
    of_column(
        "sessionDefaultChannelGroup",
        "Session default channel group",
        "Traffic source",
        "The default channel for source, medium and campaign of the session's first event.",
        "session_channel",
    ),
)
