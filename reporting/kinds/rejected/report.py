"""The request and the answer of a report on rejected hits, as frozen values."""

import msgspec

from reporting.model.report import DEFAULT_LIMIT, Aggregation, Answer, DateRange, Filter, Order


class RejectedReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of rejected hits. Its fields are those of Report, its names those of reporting/registry/rejected.py."""

    date_ranges: tuple[DateRange, ...]
    dimensions: tuple[str, ...] = ("reason",)
    metrics: tuple[str, ...] = ("rejectedHits",)
    dimension_filter: Filter | None = None
    metric_filter: Filter | None = None
    orders: tuple[Order, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    aggregations: frozenset[Aggregation] = frozenset()
    keep_empty_rows: bool = False


class RejectedAnswer(Answer, frozen=True):
    """The answer of a table, over rejected hits instead of events."""
