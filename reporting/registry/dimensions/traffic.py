"""Dimensions of how a session came."""

from typing import Final

import polars as pl

from processing.pipeline.steps.campaign import CLICK, CONTENT, ID, PLATFORM, TERM
from reporting.registry.dimensions.model import Dimension, decoded, filled, of_column, plain


def _source_and_medium(_zone: str) -> pl.Expr:
    return pl.concat_str(plain(filled("session_source")), plain(filled("session_medium")), separator=" / ")


# Name, label, key, example, and what it is; of the event's own address, and of the session's first event.
_DETAILS: Final = (
    (
        "manualTerm",
        "Term",
        TERM,
        "garden seeds",
        "term of the campaign: the parameter ck of the hit, else the tag utm_term",
    ),
    (
        "manualAdContent",
        "Ad content",
        CONTENT,
        "top banner",
        "content of the campaign: the parameter cc of the hit, else the tag utm_content",
    ),
    (
        "campaignId",
        "Campaign ID",
        ID,
        "autumn-26",
        "ID of the campaign: the parameter ci of the hit, else the tag utm_id",
    ),
    ("sourcePlatform", "Source platform", PLATFORM, "Google Ads", "platform that the tag utm_source_platform names"),
    (
        "clickIdKind",
        "Kind of click ID",
        CLICK,
        "gclid",
        "name of the click ID, such as gclid; the ID itself is not kept",
    ),
)


def _of_event(name: str, label: str, key: str, example: str, meaning: str) -> Dimension:
    definition = f"The {meaning}. Of the event's own address."
    return decoded(name, label, "Traffic source", definition, column="campaign_details", key=key, example=example)


def _of_session(name: str, label: str, key: str, example: str, meaning: str) -> Dimension:
    definition = f"The {meaning}. Of the session's first event."
    return decoded(
        f"session{name[0].upper()}{name[1:]}",
        f"Session {label[0].lower()}{label[1:]}",
        "Traffic source",
        definition,
        column="session_campaign_details",
        key=key,
        example=example,
    )


TRAFFIC: Final = (
    of_column(
        "sessionSource",
        "Session source",
        "Traffic source",
        "The source of the session's first event, such as google.",
        "session_source",
        example="google",
    ),
    of_column(
        "sessionMedium",
        "Session medium",
        "Traffic source",
        "How the session came, such as organic or referral, taken from the session's first event.",
        "session_medium",
        example="cpc",
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
        example="google / cpc",
    ),
    of_column(
        "sessionCampaignName",
        "Session campaign",
        "Traffic source",
        "The campaign of the session's first event.",
        "session_campaign",
        example="autumn sale",
    ),
    of_column(
        "sessionDefaultChannelGroup",
        "Session default channel group",
        "Traffic source",
        "The default channel for source, medium and campaign of the session's first event.",
        "session_channel",
        example="Paid Search",
    ),
    of_column(
        "sessionPrimaryChannelGroup",
        "Session primary channel group",
        "Traffic source",
        "The same as sessionDefaultChannelGroup: the default channels are the primary ones of every property.",
        "session_channel",
        example="Paid Search",
    ),
    *(_of_session(*detail) for detail in _DETAILS),
    *(_of_event(*detail) for detail in _DETAILS),
)
