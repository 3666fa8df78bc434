"""The rows that reports count, and which of their columns each measure needs: events, or stretches of them."""

from collections.abc import Collection, Mapping
from typing import Final

from processing.sessions.condensed import ADDED_UP, LENGTH, STEADY
from reporting.registry.metrics import Measure

COLUMNS: Final[Mapping[Measure, tuple[str, ...]]] = {
    "events": (),
    "page_views": ("page_view",),
    "engagement_ms": ("engagement_ms",),
    "key_events": ("key",),
    "visitors": ("visitor",),
    "active_visitors": ("visitor", "active"),
    "sessions": ("session",),
    "engaged_sessions": ("session", "engaged"),
    "duration_ms": ("session", "day", "duration_ms"),
}
SUMS: Final[Mapping[Measure, str]] = {
    "events": LENGTH,
    "page_views": "page_view",
    "engagement_ms": "engagement_ms",
    "key_events": "key",
}


def can_condense(columns: Collection[str]) -> bool:
    """Whether a report that reads these columns may count stretches."""
    return set(columns) <= {*STEADY, *ADDED_UP}
