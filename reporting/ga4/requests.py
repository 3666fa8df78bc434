"""Reads the bodies of `runReport` and `batchRunReports`."""

from typing import Final, Literal, get_args

from reporting.ga4.filters import read_filter
from reporting.ga4.json_fields import JsonObject, by_name
from reporting.model.audience import AudienceReport, Compared, of_filter
from reporting.model.report import (
    DEFAULT_LIMIT,
    LARGEST_LIMIT,
    Aggregation,
    ByDimension,
    ByMetric,
    DateRange,
    DerivedDimension,
    Order,
    OrderType,
    Report,
    ReportError,
)

MOST_REQUESTS: Final = 5
# Enums by their numbers, which clients may send instead of the names.
_AGGREGATIONS: Final[dict[int, Aggregation]] = {1: "TOTAL", 4: "COUNT", 5: "MINIMUM", 6: "MAXIMUM"}
_ORDER_TYPES: Final[dict[int, OrderType]] = dict(enumerate(get_args(OrderType), start=1))
_CASE_FUNCTIONS: Final[dict[str, Literal["lower_case", "upper_case"]]] = {
    "lowerCase": "lower_case",
    "upperCase": "upper_case",
}
_NOT_OFFERED: Final = (
    "cohortSpec",  # visitors by the week of their first visit
    "conversionSpec",  # attribution of conversions
)
_FIELDS: Final = (
    "property",  # the same as in the address, "properties/123"
    "dimensions",
    "metrics",
    "dateRanges",
    "dimensionFilter",  # chooses events
    "metricFilter",  # chooses rows
    "offset",
    "limit",  # rows a page
    "metricAggregations",  # totals, minimums, maximums
    "orderBys",
    "keepEmptyRows",  # rows whose metrics are all 0
    "comparisons",  # segments side by side
    "currencyCode",  # accepted, without effect: values are in the property's currency
    "returnPropertyQuota",  # accepted, without effect: there are no quotas
    *_NOT_OFFERED,
)


def read_report(body: object, number: int, place: str = "") -> Report | AudienceReport:
    """Reads the body of `runReport`. `number` is the property in the address, `place` is that of the body in a batch.
    Raises ReportError.
    """
    request = JsonObject(body, place, _FIELDS)
    _check_property(request, number)
    for name in _NOT_OFFERED:
        if request.has(name):
            raise ReportError(f"{request.at(name)} is not offered; leave it out.")
    dimensions = request.objects("dimensions", "name", "dimensionExpression")
    metrics = request.objects("metrics", "name", "expression", "invisible")
    report = Report(
        date_ranges=tuple(
            DateRange(range_.text("startDate"), range_.text("endDate"), range_.text("name"))
            for range_ in request.objects("dateRanges", "startDate", "endDate", "name")
        ),
        dimensions=tuple(dimension.text("name") for dimension in dimensions),
        metrics=tuple(metric.text("name") for metric in metrics),
        derived=tuple(_derived(dimension) for dimension in dimensions if dimension.has("dimensionExpression")),
        expressions={metric.text("name"): metric.text("expression") for metric in metrics if metric.text("expression")},
        invisible=frozenset(metric.text("name") for metric in metrics if metric.flag("invisible")),
        dimension_filter=read_filter(request, "dimensionFilter"),
        metric_filter=read_filter(request, "metricFilter"),
        orders=tuple(_order(order) for order in request.objects("orderBys", "desc", "metric", "dimension")),
        limit=min(request.integer("limit") or DEFAULT_LIMIT, LARGEST_LIMIT),
        offset=request.integer("offset"),
        aggregations=frozenset(request.choices("metricAggregations", _AGGREGATIONS, by_name(_AGGREGATIONS))),
        keep_empty_rows=request.flag("keepEmptyRows"),
    )
    compared = request.objects("comparisons", "name", "dimensionFilter", "comparison")
    return AudienceReport(report, comparisons=tuple(map(_compared, compared))) if compared else report


def read_batch(body: object, number: int) -> list[Report | AudienceReport]:
    """Reads the body of `batchRunReports`: at most five requests. Raises ReportError."""
    batch = JsonObject(body, "", ("property", "requests"))
    _check_property(batch, number)
    requests = batch.items("requests")
    if not 1 <= len(requests) <= MOST_REQUESTS:
        raise ReportError(f"The batch has {len(requests)} requests; it must have 1 to {MOST_REQUESTS}.")
    return [read_report(request, number, f"requests[{n}]") for n, request in enumerate(requests)]


def _check_property(request: JsonObject, number: int) -> None:
    """Raises ReportError if the request names another property than the address."""
    named = request.text("property")
    if named not in ("", f"properties/{number}"):
        raise ReportError(f"{request.at('property')} is {named[:60]!r}, but the address says properties/{number}.")


def _derived(dimension: JsonObject) -> DerivedDimension:
    name, functions = dimension.text("name"), (*_CASE_FUNCTIONS, "concatenate")
    expression = dimension.inner("dimensionExpression", *functions)
    function = expression.one_of(*functions)
    if function in _CASE_FUNCTIONS:
        of = expression.inner(function, "dimensionName").text("dimensionName")
        return DerivedDimension(name, _CASE_FUNCTIONS[function], (of,))
    parts = expression.inner(function, "dimensionNames", "delimiter")
    return DerivedDimension(name, "concatenate", parts.texts("dimensionNames"), parts.text("delimiter"))


def _compared(comparison: JsonObject) -> Compared:
    """Reads a comparison: of the events that a filter accepts, or of a saved segment, "comparisons/7"."""
    name = comparison.text("name")
    if comparison.has("comparison"):
        comparison.one_of("comparison", "dimensionFilter")
        return Compared(name, comparison.text("comparison"))
    return Compared(name, of_filter(read_filter(comparison, "dimensionFilter")))


def _order(order: JsonObject) -> Order:
    field, descending = order.one_of("metric", "dimension"), order.flag("desc")
    if field == "metric":
        return ByMetric(order.inner("metric", "metricName").text("metricName"), descending)
    dimension = order.inner("dimension", "dimensionName", "orderType")
    order_type = dimension.choice("orderType", _ORDER_TYPES, by_name(_ORDER_TYPES), "ALPHANUMERIC")
    return ByDimension(dimension.text("dimensionName"), descending, order_type)
