"""Metrics of events."""

from typing import Final

import polars as pl

from reporting.registry.measures import ACTIVE_VISITORS, EVENTS, KEY_EVENTS, SESSIONS
from reporting.registry.metrics.model import count, rate, summed

EVENT_METRICS: Final = (
    count(
        name="eventCount",
        label="Event count",
        category="Event",
        definition="The number of events.",
        measure=EVENTS,
        example="900: there were 900 events",
    ),
    rate(
        "eventsPerSession",
        "Events per session",
        "Event",
        "Events divided by sessions.",
        EVENTS,
        SESSIONS,
        "eventCount / sessions",
        example="7.5: 900 events in 120 sessions",
    ),
    rate(
        "eventCountPerUser",
        "Event count per user",
        "Event",
        "Events divided by active users.",
        EVENTS,
        ACTIVE_VISITORS,
        "eventCount / activeUsers",
        example="11.25: 900 events of 80 active users",
    ),
    summed(
        "eventValue",
        "Event value",
        "FLOAT",
        "The sum of the events' parameter value. Where an event names another currency than the property's, its value"
        " is converted; what has no rate is left out.",
        columns=("event_value",),
        value=pl.col("event_value"),
        example="149.9: the values of all events add up to 149.90",
    ),
    count(
        name="keyEvents",
        label="Key events",
        category="Event",
        definition="Events that the client or a rule marks as key events. If a rule counts once a session, only the"
        " first of each session counts.",
        measure=KEY_EVENTS,
        example="12: twelve key events",
    ),
    summed(
        "keyEventValue",
        "Key event value",
        "CURRENCY",
        "The sum of the key events' values by the property's rules, in the property's currency.",
        columns=("key", "key_value"),
        value=pl.when("key").then("key_value").otherwise(0),
        example="60: twelve key events that are worth 5 each",
    ),
)
