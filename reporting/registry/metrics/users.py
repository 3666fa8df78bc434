"""Metrics of users."""

from typing import Final

import polars as pl

from reporting.registry.measures import (
    ACTIVE_VISITORS,
    ENGAGEMENT_MS,
    FIRST_PURCHASES,
    KEY_VISITORS,
    NEW_VISITORS,
    RETURNING_VISITORS,
    SESSIONS,
    VISITORS,
    visitors_with,
)
from reporting.registry.metrics.model import Metric, count, rate, seconds

USER_METRICS: Final = (
    count(
        name="activeUsers",
        label="Active users",
        category="User",
        definition="Distinct visitors of active events. An event is active if its session is engaged by the end of the"
        " local day, if it carries engagement time, or if it is a first visit; in sources without engagement signals,"
        " such as access logs, also if it is a page view.",
        measure=ACTIVE_VISITORS,
        example="80: eighty visitors were active",
    ),
    count(
        name="totalUsers",
        label="Total users",
        category="User",
        definition="Distinct visitors with an event in the row.",
        measure=VISITORS,
        example="100: a hundred visitors came, active or not",
    ),
    count(
        name="newUsers",
        label="New users",
        category="User",
        definition="Distinct visitors with a first_visit event in the row. Access logs have none: see newVsReturning.",
        measure=NEW_VISITORS,
        example="60: sixty visitors came for the first time",
    ),
    count(
        name="returningUsers",
        label="Returning users",
        category="User",
        definition="Distinct visitors with an event in the row that is not of their first session in the property's"
        " history.",
        measure=RETURNING_VISITORS,
        example="40: forty visitors had come before",
    ),
    count(
        name="firstTimePurchasers",
        label="First-time purchasers",
        category="User",
        definition="Distinct visitors whose first purchase event in the property's history lies in the row.",
        measure=FIRST_PURCHASES,
        example="5: five visitors bought for the first time",
    ),
    rate(
        "userKeyEventRate",
        "User key event rate",
        "User",
        "Distinct visitors with a key event in the row as a share of all visitors of the row, from 0 to 1.",
        KEY_VISITORS,
        VISITORS,
        example="0.1: one of ten visitors had a key event",
    ),
    count(
        name="scrolledUsers",
        label="Scrolled users",
        category="User",
        definition="Distinct visitors with a scroll event in the row: they came to 90 % of a page.",
        measure=visitors_with("scroll"),
        example="30: thirty visitors came to the end of a page",
    ),
    rate(
        "sessionsPerUser",
        "Sessions per user",
        "User",
        "Sessions divided by active users.",
        SESSIONS,
        ACTIVE_VISITORS,
        "sessions / activeUsers",
        example="1.5: 120 sessions of 80 active users",
    ),
    Metric(
        name="userEngagementDuration",
        label="User engagement",
        type="SECONDS",
        category="User",
        definition="The sum of the events' engagement time, in seconds.",
        measures=(ENGAGEMENT_MS,),
        value=seconds(pl.col("engagement_ms")),
        example="5400: pages were in view for an hour and a half",
    ),
)
