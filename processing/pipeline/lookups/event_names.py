"""What follows from the name of an event alone."""

from typing import Final

import polars as pl

PAGE_VIEW: Final = "page_view"
FIRST_VISIT: Final = "first_visit"
VIEWS: Final = (PAGE_VIEW, "screen_view")
LONGEST_EVENT_NAME: Final = 40


def implied_by_name(name: pl.Expr) -> dict[str, pl.Expr]:
    """The columns of an event that its name decides."""
    return {"event": name, "page_view": name.is_in(VIEWS), "first_visit": name.eq(FIRST_VISIT)}
