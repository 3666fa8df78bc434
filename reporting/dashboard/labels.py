"""The dashboard's plain words for the metrics and dimensions that reports name in Google's terms."""

from typing import Final, NamedTuple

from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS


class Label(NamedTuple):
    text: str
    meaning: str
    is_count: bool = True
    is_share: bool = False
    is_time: bool = False


# Metrics between 0 and 1, shown in percent.
SHARES: Final = frozenset(
    {"engagementRate", "bounceRate", "sessionKeyEventRate", "userKeyEventRate", "entranceRate", "exitRate"}
)
METRIC_LABELS: Final = {
    "totalUsers": Label(
        "Visitors",
        "People with at least one event, each counted once in the whole period; in a table, people with an event in"
        " that row. Google Analytics calls them “total users”; its “active users” leave out people who did nothing.",
    ),
    "sessions": Label(
        "Visits",
        "Sessions. A session ends after a while without events (30 minutes, unless the property says otherwise);"
        " midnight does not end it.",
    ),
    "screenPageViews": Label("Views", "Pages that were shown. Repeated views of a page count."),
    "engagementRate": Label(
        "Engagement rate",
        "The share of sessions that lasted over 10 seconds, or had two page views, or a key event.",
    ),
    "averageSessionDuration": Label(
        "Time per visit", "From the first to the last event of a session, on average over all sessions."
    ),
    "keyEvents": Label(
        "Goals", "Actions you want visitors to take, as your rules define them: how often they happened."
    ),
    "eventCount": Label("Events", "Everything that was measured: page views and your own events."),
}
DIMENSION_LABELS: Final = {
    "sessionSource": "Source",
    "sessionMedium": "Medium",
    "sessionCampaignName": "Campaign",
    "sessionManualTerm": "Term",
    "sessionManualAdContent": "Content",
    "landingPage": "Entry page",
    "exitPage": "Exit page",
    "linkUrl": "Link",
    "fileName": "File",
    "searchTerm": "Search",
    "formId": "Form",
    "pageReferrer": "Referrer",
    "pageTitle": "Title",
    "hostName": "Host",
    "operatingSystem": "System",
    "screenResolution": "Screen",
    "pagePath": "Page",
    "sessionDefaultChannelGroup": "Channel",
    "sessionSourceMedium": "Source / medium",
    "country": "Country",
    "deviceCategory": "Device",
    "browser": "Browser",
    "eventName": "Event",
}


def metric_label(name: str) -> Label:
    metric = METRICS[name]
    label = METRIC_LABELS.get(name) or Label(metric.label, metric.definition)
    is_time = metric.type == "SECONDS"
    return label._replace(is_count=metric.type == "INTEGER", is_share=name in SHARES, is_time=is_time)


def dimension_label(name: str) -> str:
    return DIMENSION_LABELS.get(name) or DIMENSIONS[name].label
