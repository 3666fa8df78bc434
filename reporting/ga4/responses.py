"""Answers, metadata and errors in the shapes of the GA4 Data API."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final, Literal

from reporting.model.report import Answer, Row
from reporting.registry.custom import NO_DEFINITIONS, Definitions
from reporting.registry.dimensions import DIMENSIONS, Dimension
from reporting.registry.metrics import METRICS, Metric

ErrorStatus = Literal[
    "INVALID_ARGUMENT", "UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "INTERNAL", "UNAVAILABLE"
]
HTTP_STATUS: Final[dict[ErrorStatus, HTTPStatus]] = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}


def report_reply(answer: Answer) -> dict[str, Any]:
    """All values are texts; totals, maximums and minimums are there only where they were asked for."""
    extremes = {"totals": answer.totals, "maximums": answer.maximums, "minimums": answer.minimums}
    return {
        "dimensionHeaders": [{"name": name} for name in answer.dimensions],
        "metricHeaders": [{"name": header.name, "type": f"TYPE_{header.type}"} for header in answer.metrics],
        "rows": [_row(row) for row in answer.rows],
        **{name: [_row(row) for row in rows] for name, rows in extremes.items() if rows},
        "rowCount": answer.row_count,
        "metadata": {"currencyCode": answer.currency, "timeZone": answer.zone},
        "kind": "analyticsData#runReport",
    }


def batch_reply(answers: list[Answer]) -> dict[str, Any]:
    return {"reports": [report_reply(answer) for answer in answers], "kind": "analyticsData#batchRunReports"}


def metadata_reply(number: int, definitions: Definitions = NO_DEFINITIONS) -> dict[str, Any]:
    """The fields that every property has, then those that the property's rules define."""
    dimensions, metrics = {**DIMENSIONS, **definitions.dimensions}, {**METRICS, **definitions.metrics}
    return {
        "name": f"properties/{number}/metadata",
        "dimensions": [_described(each) | _mark(each, DIMENSIONS) for each in dimensions.values()],
        "metrics": [_metric(each) | _mark(each, METRICS) for each in metrics.values()],
    }


def error_reply(status: ErrorStatus, message: str) -> dict[str, Any]:
    return {"error": {"code": HTTP_STATUS[status].value, "message": message, "status": status}}


def as_text(value: float) -> str:
    """Whole numbers without a decimal point, others with all digits that tell them apart."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _row(row: Row) -> dict[str, Any]:
    return {
        "dimensionValues": [{"value": text} for text in row.dimensions],
        "metricValues": [{"value": as_text(value)} for value in row.metrics],
    }


def _mark(entry: Dimension | Metric, of_all: Collection[str]) -> dict[str, Any]:
    return {} if entry.name in of_all else {"customDefinition": True}


def _described(entry: Dimension | Metric) -> dict[str, Any]:
    return {
        "apiName": entry.name,
        "uiName": entry.label,
        "description": entry.definition,
        "category": entry.category,
    }


def _metric(entry: Metric) -> dict[str, Any]:
    expression = {"expression": entry.expression} if entry.expression else {}
    return {**_described(entry), "type": f"TYPE_{entry.type}", **expression}
