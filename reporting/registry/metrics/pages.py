"""Metrics of pages."""

from typing import Final

import polars as pl

from reporting.model.expressions import ratio
from reporting.registry.measures import (
    ACTIVE_VISITORS,
    ENGAGEMENT_MS,
    ENTRANCES,
    EXITS,
    PAGE_VIEWS,
    Measure,
    Sum,
    Whole,
)
from reporting.registry.metrics.model import Metric, count, rate, seconds

_ALL_ENGAGEMENT: Final = Whole("all_engagement_ms", ENGAGEMENT_MS.columns, ENGAGEMENT_MS.value)
_ALL_VIEWS: Final = Whole("all_page_views", PAGE_VIEWS.columns, PAGE_VIEWS.value)


def _average_time(name: str, label: str, whole: Measure, words: str, expression: str, *, example: str) -> Metric:
    return Metric(
        name=name,
        label=label,
        type="SECONDS",
        category="Page",
        definition=f"The row's engagement time in seconds, divided by its {words}.",
        example=example,
        measures=(ENGAGEMENT_MS, whole),
        value=ratio(seconds(pl.col(ENGAGEMENT_MS.name)), pl.col(whole.name)),
        expression=expression,
    )


def _share(name: str, label: str, what: str, part: Sum, whole: Whole, *, example: str) -> Metric:
    return Metric(
        name=name,
        label=label,
        type="FLOAT",
        category="Page",
        definition=f"The row's {what} as a share of that of all events of the date range that the dimension filter"
        " keeps, from 0 to 1, whatever rows the metric filter or the page leave out.",
        example=example,
        measures=(part, whole),
        value=ratio(pl.col(part.name), pl.col(whole.name)),
        flags_show_zero=False,
    )


PAGE_METRICS: Final = (
    _average_time(
        "averageEngagementTime",
        "Average engagement time",
        ACTIVE_VISITORS,
        "active users",
        "userEngagementDuration / activeUsers",
        example="67.5: pages were in view for 67.5 seconds per active user",
    ),
    _average_time(
        "averageEngagementTimePerView",
        "Average engagement time per view",
        PAGE_VIEWS,
        "page views",
        "userEngagementDuration / screenPageViews",
        example="18: a page was in view for 18 seconds",
    ),
    _share(
        "engagementTimeShare",
        "Share of engagement time",
        "engagement time",
        ENGAGEMENT_MS,
        _ALL_ENGAGEMENT,
        example="0.2: a fifth of all engagement time was on the row's page",
    ),
    _share(
        "viewsShare",
        "Share of views",
        "number of page views",
        PAGE_VIEWS,
        _ALL_VIEWS,
        example="0.2: a fifth of all page views were of the row's page",
    ),
    rate(
        "screenPageViewsPerUser",
        "Views per user",
        "Page",
        "Page views divided by active users.",
        PAGE_VIEWS,
        ACTIVE_VISITORS,
        "screenPageViews / activeUsers",
        example="3.75: 300 page views of 80 active users",
    ),
    count(
        name="screenPageViews",
        label="Views",
        category="Page",
        definition="The number of page views. Repeated views of a page count.",
        measure=PAGE_VIEWS,
        example="300: pages were viewed 300 times",
    ),
    count(
        name="entrances",
        label="Entrances",
        category="Page",
        definition="The number of page views that are the first of their session.",
        measure=ENTRANCES,
        example="120: 120 page views were the first of their session",
    ),
    rate(
        "entranceRate",
        "Entrance rate",
        "Page",
        "Entrances as a share of page views, from 0 to 1.",
        ENTRANCES,
        PAGE_VIEWS,
        "entrances / screenPageViews",
        example="0.4: two of five page views were the first of their session",
    ),
    count(
        name="exits",
        label="Exits",
        category="Page",
        definition="The number of page views that are the last of their session, as far as it is known: a session that"
        " goes on moves its exit to its new last page view, also where that is on a later day than those of the"
        " report.",
        measure=EXITS,
        example="120: 120 page views were the last of their session",
    ),
    rate(
        "exitRate",
        "Exit rate",
        "Page",
        "Exits as a share of page views, from 0 to 1.",
        EXITS,
        PAGE_VIEWS,
        "exits / screenPageViews",
        example="0.4: two of five page views were the last of their session",
    ),
)
