"""The columns of events, or of condensed rows, that each measure needs."""

from collections.abc import Collection, Mapping
from typing import Final

from processing.sessions.condensed import EVENT_COUNT, STEADY, SUMMED
from reporting.registry.metrics import Measure

COLUMNS: Final[Mapping[Measure, tuple[str, ...]]] = {
    "events": (),
    "page_views": ("page_view",),
    "engagement_ms": ("engagement_ms",),
    "key_events": ("key",),
    "visitors": ("visitor",),
    "active_visitors": ("visitor", "active"),
    "new_visitors": ("visitor", "first_visit"),
    "key_visitors": ("visitor", "key"),
    "sessions": ("session",),
    "engaged_sessions": ("session", "engaged"),
    "key_sessions": ("session", "key"),
    "duration_ms": ("session", "day", "duration_ms"),
}
# The measures that are sums of a column; the others count distinct values.
SUMS: Final[Mapping[Measure, str]] = {
    "events": EVENT_COUNT,
    "page_views": "page_view",
    "engagement_ms": "engagement_ms",
    "key_events": "key",
}


def can_condense(columns: Collection[str]) -> bool:
    """Returns whether condensed rows have all of these columns."""
    return set(columns) <= {*STEADY, *SUMMED}
