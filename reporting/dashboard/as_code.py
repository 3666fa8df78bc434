"""A page's report as a program would ask for it: with curl, and in Python with Google's client."""

import json
from typing import Any, NamedTuple

import msgspec

from reporting.model.report import (
    And,
    BetweenFilter,
    ByMetric,
    EmptyFilter,
    Filter,
    InListFilter,
    Not,
    NumericFilter,
    Or,
    Order,
    Report,
    StringFilter,
)

CURL = """\
curl -H 'Authorization: Bearer YOUR_TOKEN' -H 'Content-Type: application/json' \\
  '{site}/api/properties/{number}/report/' \\
  --data-binary @- <<'END'
{body}
END
"""
PYTHON = """\
from google.analytics.data_v1beta import BetaAnalyticsDataClient, RunReportRequest
from google.oauth2.credentials import Credentials

client = BetaAnalyticsDataClient(
    transport="rest",
    client_options={{"api_endpoint": "{site}"}},
    credentials=Credentials("YOUR_TOKEN"),
)
request = RunReportRequest.from_json({body})
print(client.run_report(request))
"""


class Code(NamedTuple):
    curl: str
    python: str


def code_of(report: Report, number: int, site: str) -> Code:
    """Returns programs that ask for the report. `site` is the address of this installation, without a slash."""
    own = json.dumps(own_request(report), indent=2, ensure_ascii=True)
    google = json.dumps(google_request(report, number), ensure_ascii=True)
    return Code(CURL.format(site=site, number=number, body=own), PYTHON.format(site=site, body=repr(google)))


def own_request(report: Report) -> dict[str, Any]:
    """Returns the body of a request of our own API: the fields that differ from their defaults."""
    fields: dict[str, Any] = msgspec.to_builtins(report)
    defaults = {field.name: field.default for field in msgspec.structs.fields(Report)}
    return {
        name: value
        for name, value in fields.items()
        if getattr(report, name) not in (defaults[name], {}, (), frozenset())
    }


def google_request(report: Report, number: int) -> dict[str, Any]:
    """Returns the body of a request of Google's Data API, runReport, for a report of a page: one without derived
    dimensions and expressions.
    """
    body: dict[str, Any] = {
        "property": f"properties/{number}",
        "dateRanges": [{"startDate": each.start, "endDate": each.end} for each in report.date_ranges],
        "dimensions": [{"name": name} for name in report.dimensions],
        "metrics": [
            {"name": name, **({"invisible": True} if name in report.invisible else {})} for name in report.metrics
        ],
        "orderBys": [_order(order) for order in report.orders],
        "limit": str(report.limit),
        "offset": str(report.offset),
    }
    if report.dimension_filter is not None:
        body["dimensionFilter"] = _expression(report.dimension_filter)
    if report.metric_filter is not None:
        body["metricFilter"] = _expression(report.metric_filter)
    return body


def _order(order: Order) -> dict[str, Any]:
    if isinstance(order, ByMetric):
        return {"desc": order.descending, "metric": {"metricName": order.name}}
    return {"desc": order.descending, "dimension": {"dimensionName": order.name, "orderType": order.order}}


def _expression(tree: Filter) -> dict[str, Any]:
    match tree:
        case And():
            return {"andGroup": {"expressions": [_expression(each) for each in tree.filters]}}
        case Or():
            return {"orGroup": {"expressions": [_expression(each) for each in tree.filters]}}
        case Not():
            return {"notExpression": _expression(tree.filter)}
        case _:
            return {"filter": {"fieldName": tree.field, **_condition(tree)}}


def _condition(leaf: Filter) -> dict[str, Any]:
    match leaf:
        case StringFilter():
            text = {"matchType": leaf.match, "value": leaf.value, "caseSensitive": leaf.case_sensitive}
            return {"stringFilter": text}
        case InListFilter():
            return {"inListFilter": {"values": list(leaf.values), "caseSensitive": leaf.case_sensitive}}
        case NumericFilter():
            return {"numericFilter": {"operation": leaf.operation, "value": {"doubleValue": leaf.value}}}
        case BetweenFilter():
            low, high = ({"doubleValue": value} for value in (leaf.low, leaf.high))
            return {"betweenFilter": {"fromValue": low, "toValue": high}}
        case EmptyFilter():
            return {"emptyFilter": {}}
    raise TypeError(f"{type(leaf).__name__} is no condition")
