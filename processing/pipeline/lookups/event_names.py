"""Derives the columns that depend on the name of an event alone."""

from typing import Final

import polars as pl

PAGE_VIEW: Final = "page_view"
FIRST_VISIT: Final = "first_visit"
PAGE_VIEW_NAMES: Final = (PAGE_VIEW, "screen_view")
VITALS: Final = ("LCP", "INP", "CLS", "FCP", "TTFB")  # an event of this name, or the `metric_name` of WEB_VITALS
WEB_VITALS: Final = ("web_vitals", "web-vitals")
ERROR_EVENTS: Final = ("exception", "app_exception")
LONGEST_EVENT_NAME: Final = 40


def implied_by_name(name: pl.Expr) -> dict[str, pl.Expr]:
    """Returns the columns by name."""
    return {"event": name, "page_view": name.is_in(PAGE_VIEW_NAMES), "first_visit": name.eq(FIRST_VISIT)}
