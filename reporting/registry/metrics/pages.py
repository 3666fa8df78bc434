"""Metrics of pages."""

from typing import Final

from reporting.registry.measures import ACTIVE_VISITORS, PAGE_VIEWS
from reporting.registry.metrics.model import count, rate

PAGE_METRICS: Final = (
    rate(
        "screenPageViewsPerUser",
        "Views per user",
        "Page",
        "Page views divided by active users.",
        PAGE_VIEWS,
        ACTIVE_VISITORS,
        "screenPageViews / activeUsers",
    ),
    count(
        name="screenPageViews",
        label="Views",
        category="Page",
        definition="The number of page views. Repeated views of a page count.",
        measure=PAGE_VIEWS,
    ),
)
