"""Metrics of pages."""

from typing import Final

from reporting.registry.measures import ACTIVE_VISITORS, ENTRANCES, EXITS, PAGE_VIEWS
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
    count(
        name="entrances",
        label="Entrances",
        category="Page",
        definition="The number of page views that are the first of their session.",
        measure=ENTRANCES,
    ),
    rate(
        "entranceRate",
        "Entrance rate",
        "Page",
        "Entrances as a share of page views, from 0 to 1.",
        ENTRANCES,
        PAGE_VIEWS,
        "entrances / screenPageViews",
    ),
    count(
        name="exits",
        label="Exits",
        category="Page",
        definition="The number of page views that are the last of their session, as far as it is known: a session that"
        " goes on moves its exit to its new last page view, also where that is on a later day than those of the"
        " report.",
        measure=EXITS,
    ),
    rate(
        "exitRate",
        "Exit rate",
        "Page",
        "Exits as a share of page views, from 0 to 1.",
        EXITS,
        PAGE_VIEWS,
        "exits / screenPageViews",
    ),
)
