"""The request and the answer of a table report, as frozen values. All APIs and pages make the same values."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

DEFAULT_LIMIT: Final = 10_000
LARGEST_LIMIT: Final = 250_000
MOST_DIMENSIONS: Final = 9
MOST_METRICS: Final = 10
MOST_RANGES: Final = 4
MOST_ORDERS: Final = 20
MOST_JOINED: Final = 9  # dimensions that one derived dimension joins
LARGEST_OFFSET: Final = 2**63 - 1
RESERVED_TOTAL: Final = "RESERVED_TOTAL"
RESERVED_MINIMUM: Final = "RESERVED_MIN"
RESERVED_MAXIMUM: Final = "RESERVED_MAX"
DATE_RANGE: Final = "dateRange"  # the dimension that says which date range a row belongs to

Match = Literal["EXACT", "BEGINS_WITH", "ENDS_WITH", "CONTAINS", "FULL_REGEXP", "PARTIAL_REGEXP"]
Comparison = Literal["EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL"]
OrderType = Literal["ALPHANUMERIC", "CASE_INSENSITIVE_ALPHANUMERIC", "NUMERIC"]
Aggregation = Literal["TOTAL", "COUNT", "MINIMUM", "MAXIMUM"]


class ReportError(ValueError):
    """The report has a mistake; the message says what to change."""


class DateRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Local days, both inclusive: `YYYY-MM-DD`, `NdaysAgo`, `yesterday` or `today`, in the property's zone."""

    start: str
    end: str
    name: str = ""


class StringFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="string"):
    field: str
    value: str
    match: Match = "EXACT"
    case_sensitive: bool = False


class InListFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="in_list"):
    field: str
    values: tuple[str, ...]
    case_sensitive: bool = False


class NumericFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="numeric"):
    field: str
    operation: Comparison
    value: float


class BetweenFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="between"):
    """Matches numbers from low to high, both included."""

    field: str
    low: float
    high: float


class EmptyFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="empty"):
    """Matches "(not set)" and the empty text."""

    field: str


class And(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="and"):
    filters: tuple["Filter", ...]


class Or(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="or"):
    filters: tuple["Filter", ...]


class Not(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="not"):
    filter: "Filter"


Leaf: TypeAlias = StringFilter | InListFilter | NumericFilter | BetweenFilter | EmptyFilter
Filter: TypeAlias = Leaf | And | Or | Not


class ByMetric(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="metric"):
    name: str
    descending: bool = False


class ByDimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="dimension"):
    name: str
    descending: bool = False
    order: OrderType = "ALPHANUMERIC"


Order: TypeAlias = ByMetric | ByDimension


class DerivedDimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dimension that the report makes of the dimensions `of`, under a name of its own."""

    name: str
    function: Literal["lower_case", "upper_case", "concatenate"]
    of: tuple[str, ...]
    delimiter: str = ""  # between the values that are joined


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request for a table: dimensions by metrics.

    Without `orders`, rows come by the first metric, largest first. Equal rows are ordered by their dimension values.
    """

    date_ranges: tuple[DateRange, ...]
    dimensions: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    derived: tuple[DerivedDimension, ...] = ()
    expressions: dict[str, str] = {}  # metrics by arithmetic on others, {"perUser": "sessions / totalUsers"}
    invisible: frozenset[str] = frozenset()  # metrics that order or filter the rows, but are not shown
    dimension_filter: Filter | None = None
    metric_filter: Filter | None = None
    orders: tuple[Order, ...] = ()
    limit: int = DEFAULT_LIMIT
    offset: int = 0
    aggregations: frozenset[Aggregation] = frozenset()
    keep_empty_rows: bool = False


class MetricHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    type: str


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values in the order of the answer's headers."""

    dimensions: tuple[str, ...]
    metrics: tuple[int | float, ...]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rows` are those of the page, `row_count` is the number of rows on all pages. `totals`, `minimums` and `maximums`
    have one row per date range, or none if the report did not request them.
    """

    dimensions: tuple[str, ...]
    metrics: tuple[MetricHeader, ...]
    rows: tuple[Row, ...]
    row_count: int
    totals: tuple[Row, ...]
    minimums: tuple[Row, ...]
    maximums: tuple[Row, ...]
    zone: str
    currency: str


def unknown(
    what: str, name: str, known: Iterable[str], advice: str = "The metadata method lists all names."
) -> ReportError:
    """Returns the error for an unknown name, with the names that are spelled nearly the same; else with the advice."""
    by_lower = {known_name.lower(): known_name for known_name in known}
    near = difflib.get_close_matches(name[:100].lower(), by_lower, n=3, cutoff=0.5)
    if near:
        advice = f"Did you mean {', '.join(by_lower[lower] for lower in near)}?"
    return ReportError(f"{name[:100]!r} is not a {what}. {advice}")


def undefined(what: str, name: str, known: Iterable[str]) -> ReportError | None:
    """Returns the error for a name such as customEvent:plan that no rule of the property defines; None for a name
    without a colon.
    """
    prefix, colon, _ = name.partition(":")
    if not colon:
        return None
    alike = sorted(defined for defined in known if defined.startswith(prefix + colon))
    advice = f"Defined are: {', '.join(alike)[:500]}." if alike else "The property's rules define none of this kind."
    return ReportError(f"{name[:100]!r} is not a {what} of this property. {advice}")


def check_shape(report: Report) -> None:
    """Raises ReportError for mistakes that need no data and no names to be found: counts, limits, names given twice."""
    check_ranges(report.date_ranges)
    check_page(report.limit, report.offset)
    check_orders(report.orders)
    check_names(report.dimensions, report.metrics, report.derived)


def check_ranges(ranges: Sequence[DateRange]) -> None:
    _at_most("date ranges", len(ranges), MOST_RANGES)
    if not ranges:
        raise ReportError("Name at least one date range.")


def check_page(limit: int, offset: int, largest_limit: int = LARGEST_LIMIT) -> None:
    if not 1 <= limit <= largest_limit:
        raise ReportError(f"The limit is {limit}; it must be between 1 and {largest_limit}.")
    if not 0 <= offset <= LARGEST_OFFSET:
        raise ReportError(f"The offset is {offset}; it must be between 0 and {LARGEST_OFFSET}.")


def check_orders(orders: Sequence[object]) -> None:
    """Each order costs a sort, and by pivot values a count, however few events there are."""
    _at_most("orders", len(orders), MOST_ORDERS)


def check_names(dimensions: Sequence[str], metrics: Sequence[str], derived: Sequence[DerivedDimension]) -> None:
    _at_most("dimensions", len(dimensions), MOST_DIMENSIONS)
    _at_most("metrics", len(metrics), MOST_METRICS)
    if not dimensions and not metrics:
        raise ReportError("Name at least one dimension or metric.")
    for each in derived:
        _at_most(f"dimensions joined in {each.name[:100]!r}", len(each.of), MOST_JOINED)
    names = [*dimensions, *metrics]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ReportError(f"{twice[0]!r} is asked for twice; name it once.")


def _at_most(what: str, count: int, most: int) -> None:
    if count > most:
        raise ReportError(f"The report has {count} {what}; at most {most} are allowed.")
