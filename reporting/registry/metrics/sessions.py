"""Metrics of sessions."""

from typing import Final

import polars as pl

from reporting.model.expressions import ratio
from reporting.registry.measures import DURATION_MS, ENGAGED_SESSIONS, ENGAGEMENT_MS, KEY_SESSIONS, PAGE_VIEWS, SESSIONS
from reporting.registry.metrics.model import Metric, count, rate, seconds

SESSION_METRICS: Final = (
    count(
        name="sessions",
        label="Sessions",
        category="Session",
        definition="Distinct sessions with an event in the row.",
        measure=SESSIONS,
        example="120: there were 120 sessions",
    ),
    count(
        name="engagedSessions",
        label="Engaged sessions",
        category="Session",
        definition="Distinct sessions of the row that are engaged on one of its days. A session is engaged on a local"
        " day if, by the end of that day, it had more than 10 seconds of engagement time (in sources without"
        " engagement signals: from first to last event), two page views or a key event, or if the client said so.",
        measure=ENGAGED_SESSIONS,
        example="90: ninety sessions were engaged",
    ),
    rate(
        "engagementRate",
        "Engagement rate",
        "Session",
        "Engaged sessions as a share of sessions, from 0 to 1.",
        ENGAGED_SESSIONS,
        SESSIONS,
        "engagedSessions / sessions",
        example="0.75: three of four sessions were engaged",
    ),
    Metric(
        name="bounceRate",
        label="Bounce rate",
        type="FLOAT",
        category="Session",
        definition="Sessions that are not engaged as a share of sessions, from 0 to 1.",
        measures=(ENGAGED_SESSIONS, SESSIONS),
        value=ratio(pl.col("sessions") - pl.col("engaged_sessions"), pl.col("sessions")),
        expression="(sessions - engagedSessions) / sessions",
        flags_show_zero=False,
        example="0.25: one of four sessions was not engaged",
    ),
    Metric(
        name="bounces",
        label="Bounces",
        type="INTEGER",
        category="Session",
        definition="Sessions that are not engaged.",
        measures=(ENGAGED_SESSIONS, SESSIONS),
        value=pl.col("sessions") - pl.col("engaged_sessions"),
        expression="sessions - engagedSessions",
        flags_show_zero=False,
        example="30: thirty sessions were not engaged",
    ),
    Metric(
        name="averageSessionDuration",
        label="Average session duration",
        type="SECONDS",
        category="Session",
        definition="Time from first to last event of the row's sessions on the row's days, in seconds, divided by the"
        " number of these sessions.",
        measures=(DURATION_MS, SESSIONS),
        value=ratio(seconds(pl.col("duration_ms")), pl.col("sessions")),
        example="95.5: from first to last event, a session took 95.5 seconds",
    ),
    Metric(
        name="averageEngagementTimePerSession",
        label="Average engagement time per session",
        type="SECONDS",
        category="Session",
        definition="The sum of the events' engagement time, in seconds, divided by the number of sessions.",
        measures=(ENGAGEMENT_MS, SESSIONS),
        value=ratio(seconds(pl.col("engagement_ms")), pl.col("sessions")),
        expression="userEngagementDuration / sessions",
        example="45: pages were in view for 45 seconds a session",
    ),
    rate(
        "sessionKeyEventRate",
        "Session key event rate",
        "Session",
        "Distinct sessions with a key event in the row as a share of all sessions of the row, from 0 to 1.",
        KEY_SESSIONS,
        SESSIONS,
        example="0.1: one of ten sessions had a key event",
    ),
    rate(
        "screenPageViewsPerSession",
        "Views per session",
        "Session",
        "Page views divided by sessions.",
        PAGE_VIEWS,
        SESSIONS,
        "screenPageViews / sessions",
        example="2.5: 300 page views in 120 sessions",
    ),
)
