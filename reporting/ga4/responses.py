"""Writes answers, metadata and errors in the shapes of the GA4 Data API."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson

from reporting.model.report import Answer, Row
from reporting.registry.custom import NO_DEFINITIONS, Definitions
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import Dimension
from reporting.registry.metrics import METRICS
from reporting.registry.metrics.model import Metric

ErrorStatus = Literal[
    "INVALID_ARGUMENT",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "INTERNAL",
    "UNAVAILABLE",
]
HTTP_STATUS: Final[dict[ErrorStatus, HTTPStatus]] = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}


def report_reply(answer: Answer) -> dict[str, Any]:
    """Writes all values as text; leaves out totals, maximums and minimums that the report did not request."""
    aggregations = {"totals": answer.totals, "maximums": answer.maximums, "minimums": answer.minimums}
    return {
        "dimensionHeaders": [{"name": name} for name in answer.dimensions],
        "metricHeaders": [{"name": header.name, "type": f"TYPE_{header.type}"} for header in answer.metrics],
        "rows": [_row(row) for row in answer.rows],
        **{name: [_row(row) for row in rows] for name, rows in aggregations.items() if rows},
        "rowCount": answer.row_count,
        "metadata": {"currencyCode": answer.currency, "timeZone": answer.zone},
        "kind": "analyticsData#runReport",
    }


def batch_reply(answers: list[Answer]) -> dict[str, Any]:
    return {"reports": [report_reply(answer) for answer in answers], "kind": "analyticsData#batchRunReports"}


def write_one(reply: Callable[[Any], dict[str, Any]], answers: list[Any]) -> bytes:
    """Writes the reply to a single report."""
    return orjson.dumps(reply(answers[0]))


def write_batch(answers: list[Answer]) -> bytes:
    return orjson.dumps(batch_reply(answers))


def metadata_reply(number: int, definitions: Definitions = NO_DEFINITIONS) -> dict[str, Any]:
    """Lists the fields that every property has, then those that the property's rules define."""
    dimensions, metrics = {**DIMENSIONS, **definitions.dimensions}, {**METRICS, **definitions.metrics}
    return {
        "name": f"properties/{number}/metadata",
        "dimensions": [
            _described(dimension) | _custom_mark(dimension, DIMENSIONS) for dimension in dimensions.values()
        ],
        "metrics": [
            _described(metric)
            | {"type": f"TYPE_{metric.type}"}
            | ({"expression": metric.expression} if metric.expression else {})
            | _custom_mark(metric, METRICS)
            for metric in metrics.values()
        ],
    }


def error_reply(status: ErrorStatus, message: str) -> dict[str, Any]:
    return {"error": {"code": HTTP_STATUS[status].value, "message": message, "status": status}}


def as_text(value: float) -> str:
    """Writes whole numbers without a decimal point, and others with as many digits as tell them apart."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _row(row: Row) -> dict[str, Any]:
    return {
        "dimensionValues": [{"value": text} for text in row.dimensions],
        "metricValues": [{"value": as_text(value)} for value in row.metrics],
    }


def _described(field: Dimension | Metric) -> dict[str, Any]:
    return {
        "apiName": field.name,
        "uiName": field.label,
        "description": field.definition,
        "category": field.category,
    }


def _custom_mark(field: Dimension | Metric, common: Collection[str]) -> dict[str, Any]:
    """Returns the mark of a field that not every property has."""
    return {} if field.name in common else {"customDefinition": True}
