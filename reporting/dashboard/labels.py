"""The dashboard's plain words for the metrics and dimensions that reports name in Google's terms."""

from typing import Final, NamedTuple

from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS


class Label(NamedTuple):
    text: str
    meaning: str


METRIC_LABELS: Final = {
    "totalUsers": Label(
        "Visitors",
        "People with at least one event, each counted once in the whole period; in a table, people with an event in"
        " that row. Google Analytics calls them “total users”; its “active users” leave out people who did nothing.",
    ),
    "sessions": Label(
        "Sessions",
        "Visits. A session ends after a while without events (30 minutes, unless the property says otherwise);"
        " midnight does not end it.",
    ),
    "screenPageViews": Label("Page views", "Pages that were shown. Repeated views of a page count."),
    "engagementRate": Label(
        "Engagement rate",
        "The share of sessions that lasted over 10 seconds, or had two page views, or a key event.",
    ),
    "averageSessionDuration": Label(
        "Time per session", "From the first to the last event of a session, on average over all sessions."
    ),
    "eventCount": Label("Events", "Everything that was measured: page views and your own events."),
}
DIMENSION_LABELS: Final = {
    "pagePath": "Page",
    "sessionDefaultChannelGroup": "Channel",
    "sessionSourceMedium": "Source / medium",
    "country": "Country",
    "deviceCategory": "Device",
    "browser": "Browser",
    "eventName": "Event",
}


def metric_label(name: str) -> Label:
    return METRIC_LABELS.get(name) or Label(METRICS[name].label, METRICS[name].definition)


def dimension_label(name: str) -> str:
    return DIMENSION_LABELS.get(name) or DIMENSIONS[name].label
