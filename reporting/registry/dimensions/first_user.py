"""Dimensions of how a visitor first came: those of the visitor's first event in the history of the property."""

from typing import Final

import polars as pl

from reporting.registry import calendar
from reporting.registry.dimensions.model import Dimension, filled, of_column, plain

CATEGORY: Final = "First user"


def _source_and_medium(_zone: str) -> pl.Expr:
    return pl.concat_str(plain(filled("first_user_source")), plain(filled("first_user_medium")), separator=" / ")


FIRST_USER: Final = (
    of_column(
        "firstUserSource",
        "First user source",
        CATEGORY,
        "The source of the visitor's first session, such as google, whenever that was.",
        "first_user_source",
        example="newsletter",
    ),
    of_column(
        "firstUserMedium",
        "First user medium",
        CATEGORY,
        "How the visitor came for the first time, such as organic or referral.",
        "first_user_medium",
        example="email",
    ),
    Dimension(
        name="firstUserSourceMedium",
        label="First user source / medium",
        category=CATEGORY,
        scope="user",
        definition="firstUserSource and firstUserMedium, separated by a slash.",
        columns=("first_user_source", "first_user_medium"),
        key=_source_and_medium,
        text=plain,
        example="newsletter / email",
    ),
    of_column(
        "firstUserCampaignName",
        "First user campaign",
        CATEGORY,
        "The campaign of the visitor's first session.",
        "first_user_campaign",
        example="welcome",
    ),
    of_column(
        "firstUserDefaultChannelGroup",
        "First user default channel group",
        CATEGORY,
        "The default channel for source, medium and campaign of the visitor's first session.",
        "first_user_channel",
        example="Email",
    ),
    of_column(
        "firstUserPrimaryChannelGroup",
        "First user primary channel group",
        CATEGORY,
        "The same as firstUserDefaultChannelGroup: the default channels are the primary ones of every property.",
        "first_user_channel",
        example="Email",
    ),
    Dimension(
        name="firstSessionDate",
        label="First session date",
        category=CATEGORY,
        scope="user",
        definition="The local day of the visitor's first event in the property's time zone, as YYYYMMDD.",
        columns=("first_user_day",),
        key=lambda _zone: pl.col("first_user_day"),
        text=calendar.date_text,
        example="20261012",
    ),
    Dimension(
        name="newVsReturning",
        label="New / returning",
        category=CATEGORY,
        scope="session",
        definition="new for the events of a visitor's first session in the property's history, returning for all"
        " others.",
        columns=("in_first_session",),
        key=lambda _zone: pl.col("in_first_session").cast(pl.Int8),
        text=lambda key: pl.when(key == 1).then(pl.lit("new")).otherwise(pl.lit("returning")),
        example="returning",
    ),
)
