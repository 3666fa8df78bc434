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
    ),
    count(
        name="totalUsers",
        label="Total users",
        category="User",
        definition="Distinct visitors with an event in the row.",
        measure=VISITORS,
    ),
    count(
        name="newUsers",
        label="New users",
        category="User",
        definition="Distinct visitors with a first_visit event in the row. Access logs have none: see newVsReturning.",
        measure=NEW_VISITORS,
    ),
    count(
        name="returningUsers",
        label="Returning users",
        category="User",
        definition="Distinct visitors with an event in the row that is not of their first session in the property's"
        " history.",
        measure=RETURNING_VISITORS,
    ),
    count(
        name="firstTimePurchasers",
        label="First-time purchasers",
        category="User",
        definition="Distinct visitors whose first purchase event in the property's history lies in the row.",
        measure=FIRST_PURCHASES,
    ),
    rate(
        "userKeyEventRate",
        "User key event rate",
        "User",
        "Distinct visitors with a key event in the row as a share of all visitors of the row, from 0 to 1.",
        KEY_VISITORS,
        VISITORS,
    ),
    count(
        name="scrolledUsers",
        label="Scrolled users",
        category="User",
        definition="Distinct visitors with a scroll event in the row: they came to 90 % of a page.",
        measure=visitors_with("scroll"),
    ),
    rate(
        "sessionsPerUser",
        "Sessions per user",
        "User",
        "Sessions divided by active users.",
        SESSIONS,
        ACTIVE_VISITORS,
        "sessions / activeUsers",
    ),
    Metric(
        name="userEngagementDuration",
        label="User engagement",
        type="SECONDS",
        category="User",
        definition="The sum of the events' engagement time, in seconds.",
        measures=(ENGAGEMENT_MS,),
        value=seconds(pl.col("engagement_ms")),
    ),
)
