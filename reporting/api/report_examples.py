"""An example of a request for each kind of report, for the description of our own API in OpenAPI."""

from typing import Any, Final

_MONTH: Final = {"start": "27daysAgo", "end": "today"}


def _is(field: str, value: str) -> dict[str, str]:
    return {"type": "string", "field": field, "value": value}


EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "table": {
        "date_ranges": [{"start": "7daysAgo", "end": "yesterday"}],
        "dimensions": ["pagePath"],
        "metrics": ["screenPageViews", "totalUsers"],
        "dimension_filter": _is("country", "France"),
        "aggregations": ["TOTAL"],
    },
    "pivot": {
        "date_ranges": [_MONTH],
        "metrics": ["activeUsers"],
        "pivots": [{"dimensions": ["country"], "limit": 20}, {"dimensions": ["browser"], "limit": 5}],
    },
    "changes": {
        "before": {"start": "14daysAgo", "end": "8daysAgo"},
        "after": {"start": "7daysAgo", "end": "yesterday"},
        "dimension": "pagePath",
        "metric": "screenPageViews",
    },
    "realtime": {"dimensions": ["minutesAgo"], "metrics": ["activeUsers", "screenPageViews"]},
    "sessions": {
        "date_range": {"start": "yesterday", "end": "today"},
        "session_filter": {"type": "numeric", "field": "seconds", "operation": "GREATER_THAN", "value": 60},
        "limit": 50,
    },
    "visitor": {"visitor": "11400714819323198485", "dimensions": ["eventName", "pagePath"]},
    "funnel": {
        "date_range": _MONTH,
        "steps": [
            {"name": "Cart", "filter": _is("eventName", "add_to_cart")},
            {"name": "Purchase", "filter": _is("eventName", "purchase"), "within_seconds": 3600},
        ],
    },
    "paths": {"date_range": _MONTH, "point": _is("pagePath", "/pricing"), "steps": 4},
    "retention": {"date_range": {"start": "83daysAgo", "end": "today"}, "granularity": "week", "periods": 12},
    "rejected": {"date_ranges": [_MONTH], "dimensions": ["reason"]},
}
