"""Metrics of events."""

from typing import Final

import polars as pl

from reporting.registry.measures import ACTIVE_VISITORS, EVENTS, KEY_EVENTS, SESSIONS
from reporting.registry.metrics.model import count, rate, summed

EVENT_METRICS: Final = (
    count(name="eventCount", label="Event count", category="Event", definition="The number of events.", measure=EVENTS),
    rate(
        "eventsPerSession",
        "Events per session",
        "Event",
        "Events divided by sessions.",
        EVENTS,
        SESSIONS,
        "eventCount / sessions",
    ),
    rate(
        "eventCountPerUser",
        "Event count per user",
        "Event",
        "Events divided by active users.",
        EVENTS,
        ACTIVE_VISITORS,
        "eventCount / activeUsers",
    ),
    summed(
        "eventValue",
        "Event value",
        "FLOAT",
        "The sum of the events' parameter value. Where an event names another currency than the property's, its value"
        " is converted; what has no rate is left out.",
        columns=("event_value",),
        value=pl.col("event_value"),
    ),
    count(
        name="keyEvents",
        label="Key events",
        category="Event",
        definition="Events that the client or a rule marks as key events. If a rule counts once a session, only the"
        " first of each session counts.",
        measure=KEY_EVENTS,
    ),
    summed(
        "keyEventValue",
        "Key event value",
        "CURRENCY",
        "The sum of the key events' values by the property's rules, in the property's currency.",
        columns=("key", "key_value"),
        value=pl.when("key").then("key_value").otherwise(0),
    ),
)
