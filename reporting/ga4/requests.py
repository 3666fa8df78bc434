"""The body of `runReport` as a Report."""

from collections.abc import Mapping
from typing import Final, Literal, TypeVar, get_args

from reporting.ga4.filters import read_filter
from reporting.ga4.json_fields import Fields
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

V = TypeVar("V")

MOST_REQUESTS: Final = 5
_AGGREGATIONS: Final[dict[int, Aggregation]] = {1: "TOTAL", 4: "COUNT", 5: "MINIMUM", 6: "MAXIMUM"}
_ORDER_TYPES: Final[dict[int, OrderType]] = dict(enumerate(get_args(OrderType), start=1))
_CHANGES: Final[dict[str, Literal["lower_case", "upper_case"]]] = {"lowerCase": "lower_case", "upperCase": "upper_case"}
_FIELDS: Final = (
    *("property", "dimensions", "metrics", "dateRanges", "dimensionFilter", "metricFilter", "offset", "limit"),
    *("metricAggregations", "orderBys", "currencyCode", "cohortSpec", "keepEmptyRows", "returnPropertyQuota"),
    *("comparisons", "conversionSpec"),
)
_NOT_OFFERED: Final = ("cohortSpec", "comparisons", "conversionSpec")


def read_report(body: object, number: int, place: str = "") -> Report:
    """`number` is the property of the address. Raises ReportError."""
    request = Fields(body, place, _FIELDS)
    _check_property(request, number)
    for name in _NOT_OFFERED:
        if request.has(name):
            raise ReportError(f"{request.at(name)} is not offered; leave it out.")
    dimensions = request.objects("dimensions", "name", "dimensionExpression")
    metrics = request.objects("metrics", "name", "expression", "invisible")
    return Report(
        date_ranges=tuple(_date_range(each) for each in request.objects("dateRanges", "startDate", "endDate", "name")),
        dimensions=tuple(each.text("name") for each in dimensions),
        metrics=tuple(each.text("name") for each in metrics),
        derived=tuple(_derived(each) for each in dimensions if each.has("dimensionExpression")),
        expressions={each.text("name"): each.text("expression") for each in metrics if each.text("expression")},
        invisible=frozenset(each.text("name") for each in metrics if each.flag("invisible")),
        dimension_filter=read_filter(request, "dimensionFilter"),
        metric_filter=read_filter(request, "metricFilter"),
        orders=tuple(_order(each) for each in request.objects("orderBys", "desc", "metric", "dimension")),
        limit=min(request.integer("limit") or DEFAULT_LIMIT, LARGEST_LIMIT),
        offset=request.integer("offset"),
        aggregations=frozenset(request.choices("metricAggregations", _AGGREGATIONS, by_name(_AGGREGATIONS))),
        keep_empty_rows=request.flag("keepEmptyRows"),
    )


def read_batch(body: object, number: int) -> list[Report]:
    """The body of `batchRunReports`: at most five requests. Raises ReportError."""
    batch = Fields(body, "", ("property", "requests"))
    _check_property(batch, number)
    requests = batch.items("requests")
    if not 1 <= len(requests) <= MOST_REQUESTS:
        raise ReportError(f"The batch has {len(requests)} requests; it must have 1 to {MOST_REQUESTS}.")
    return [read_report(each, number, f"requests[{n}]") for n, each in enumerate(requests)]


def by_name(choices: Mapping[int, V]) -> dict[str, V]:
    return {str(name): name for name in choices.values()}


def _check_property(request: Fields, number: int) -> None:
    named = request.text("property")
    if named not in ("", f"properties/{number}"):
        raise ReportError(f"{request.at('property')} is {named[:60]!r}, but the address says properties/{number}.")


def _date_range(asked: Fields) -> DateRange:
    return DateRange(asked.text("startDate"), asked.text("endDate"), asked.text("name"))


def _derived(dimension: Fields) -> DerivedDimension:
    name, expression = dimension.text("name"), dimension.inner("dimensionExpression", *_CHANGES, "concatenate")
    kind = expression.one_of(*_CHANGES, "concatenate")
    if kind in _CHANGES:
        return DerivedDimension(name, _CHANGES[kind], (expression.inner(kind, "dimensionName").text("dimensionName"),))
    parts = expression.inner(kind, "dimensionNames", "delimiter")
    return DerivedDimension(name, "concatenate", parts.texts("dimensionNames"), parts.text("delimiter"))


def _order(asked: Fields) -> Order:
    kind, descending = asked.one_of("metric", "dimension"), asked.flag("desc")
    if kind == "metric":
        return ByMetric(asked.inner("metric", "metricName").text("metricName"), descending)
    dimension = asked.inner("dimension", "dimensionName", "orderType")
    order = dimension.choice("orderType", _ORDER_TYPES, by_name(_ORDER_TYPES), "ALPHANUMERIC")
    return ByDimension(dimension.text("dimensionName"), descending, order)
