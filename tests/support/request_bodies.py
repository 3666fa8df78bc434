"""Valid bodies for every route that takes JSON; those of rules are documents of the property's own rules."""

from typing import Any, Final

from tests.support.reporting_site import DAY, RANGE

REPORT: Final[dict[str, Any]] = {
    "kind": "table",
    "date_ranges": [{"start": "7daysAgo", "end": "today", "name": "a"}, {"start": DAY, "end": DAY}],
    "dimensions": ["pagePath", "both"],
    "metrics": ["eventCount", "ratio"],
    "derived": [{"name": "both", "function": "concatenate", "of": ["pagePath", "country"], "delimiter": " / "}],
    "expressions": {"ratio": "sessions / totalUsers + 1"},
    "invisible": ["ratio"],
    "dimension_filter": {
        "type": "and",
        "filters": [
            {"type": "not", "filter": {"type": "string", "field": "pagePath", "value": "x",
              "match": "PARTIAL_REGEXP"}},
            {"type": "or", "filters": [{"type": "in_list", "field": "country", "values": ["a"]}, {"type": "empty",
              "field": "browser"}]},
        ],
    },
    "metric_filter": {"type": "between", "field": "eventCount", "low": 0, "high": 9e9},
    "orders": [{"type": "metric", "name": "eventCount", "descending": True}, {"type": "dimension", "name": "pagePath",
      "order": "NUMERIC"}],
    "limit": 10,
    "offset": 0,
    "aggregations": ["TOTAL", "MINIMUM"],
    "keep_empty_rows": True,
}  # fmt: skip
FUNNEL: Final[dict[str, Any]] = {
    "kind": "funnel",
    "date_range": {"start": DAY, "end": DAY},
    "steps": [
        {"name": "any", "filter": {"type": "string", "field": "pagePath", "value": "/a"}},
        {"name": "b", "filter": {"type": "empty", "field": "browser"}, "directly": True, "within_seconds": 60},
    ],
    "open": True,
    "trend": True,
    "breakdown": "browser",
    "next_action": "pagePath",
    "limit": 3,
}
PATHS: Final[dict[str, Any]] = {
    "kind": "paths",
    "date_range": {"start": DAY, "end": DAY},
    "dimension": "pagePath",
    "point": {"type": "string", "field": "pagePath", "value": "/a"},
    "direction": "backward",
    "steps": 3,
    "limit": 3,
}
RETENTION: Final[dict[str, Any]] = {
    "kind": "retention",
    "date_range": {"start": "7daysAgo", "end": "today"},
    "granularity": "day",
    "periods": 5,
    "breakdown": "firstUserSource",
    "limit": 3,
}
SEEN: Final[dict[str, Any]] = {"type": "string", "field": "pagePath", "value": "/a"}
SEGMENT: Final[dict[str, Any]] = {
    "scope": "user",
    "include": {
        "type": "and",
        "conditions": [
            {"type": "events", "filter": SEEN, "metric": "eventCount", "operation": "LESS_THAN", "value": 3},
            {"type": "in_one_session", "condition": {"type": "events", "filter": SEEN}},
            {"type": "sequence", "steps": [{"filter": SEEN}, {"filter": SEEN, "directly": True, "within_seconds": 9}]},
        ],
    },
    "exclude": {"type": "not", "condition": {"type": "or", "conditions": [{"type": "events"}]}},
}
COMPARED: Final[dict[str, Any]] = {"comparisons": [{"name": "All"}, {"name": "b", "segment": SEGMENT}]}
LONE: Final = {"name": "both", "function": "concatenate", "of": ["pagePath", "country"], "delimiter": "\ud800"}
OF_GOOGLE: Final[dict[str, Any]] = {
    "dateRanges": [{**RANGE, "name": "a"}],
    "dimensions": [{"name": "pagePath"}, {"name": "low",
      "dimensionExpression": {"lowerCase": {"dimensionName": "browser"}}}],
    "metrics": [{"name": "eventCount"}, {"name": "r", "expression": "sessions*2", "invisible": True}],
    "dimensionFilter": {"andGroup": {"expressions": [
        {"filter": {"fieldName": "pagePath", "stringFilter": {"matchType": "FULL_REGEXP", "value": ".*",
          "caseSensitive": True}}},
        {"notExpression": {"filter": {"fieldName": "browser", "inListFilter": {"values": ["a"]}}}},
    ]}},
    "metricFilter": {"filter": {"fieldName": "eventCount", "numericFilter": {"operation": "GREATER_THAN",
      "value": {"int64Value": "0"}}}},
    "orderBys": [{"metric": {"metricName": "eventCount"}, "desc": True}, {"dimension": {"dimensionName": "pagePath",
      "orderType": 1}}],
    "metricAggregations": ["TOTAL", 5],
    "limit": "10", "offset": "0", "keepEmptyRows": True, "currencyCode": "EUR", "returnPropertyQuota": True,
}  # fmt: skip
BODIES: Final[dict[str, list[Any]]] = {
    ":runReport": [OF_GOOGLE],
    ":batchRunReports": [{"requests": [OF_GOOGLE]}],
    "/report/": [{**REPORT, **COMPARED}, {**FUNNEL, "segment": SEGMENT}, REPORT, FUNNEL, PATHS, RETENTION],
    "/visitors/export/": [{"client_id": "1.1"}, {"visitor": "12"}],
    "/visitors/erase/": [{"client_id": "1.1"}],
    "/segments/": [{**SEGMENT, "name": "Seen", "description": "x"}],
    "/rules/trace/": [{"hit": "https://shop.example/a"},
      {"hit": "v=2&cid=1&en=page_view&dl=https://shop.example/&dr=https://a.example/"}],
    "/rules/preview/": [{"from": DAY, "to": DAY, "testing": True}],
    "/history/": [{"from": DAY, "to": DAY, "rules": 1}, {}],
    "/publish/": [{"note": "x"}],
    "/rules/": [],  # the document of the property's rules
    "/rules/check/": [],
}  # fmt: skip
