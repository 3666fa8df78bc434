"""Applies filter trees: to rows by the distinct values of dimensions, and to metrics after counting."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl
import re2

from reporting.model.report import (
    And,
    BetweenFilter,
    EmptyFilter,
    Filter,
    InListFilter,
    Leaf,
    Not,
    NumericFilter,
    Or,
    ReportError,
    StringFilter,
)
from reporting.registry.dimensions import NOT_SET, Dimension
from reporting.registry.metrics import METRICS

LONGEST_PATTERN: Final = 1024
LONGEST_VALUE: Final = 4096
MOST_VALUES: Final = 10_000
MOST_FILTERS: Final = 200
DEEPEST: Final = 20
_PATTERN_MEMORY: Final = 1 << 20  # bytes; a pattern that compiles to more is refused

_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "EQUAL": operator.eq,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
}


def leaves(tree: Filter | None, depth: int = 0) -> list[Leaf]:
    """Returns the conditions of a tree. Raises ReportError if a group is empty, or the tree too deep or too large."""
    if tree is None:
        return []
    if depth > DEEPEST:
        raise ReportError(f"The filter is nested deeper than {DEEPEST}; flatten it.")
    if not isinstance(tree, And | Or | Not):
        return [tree]
    children = (tree.filter,) if isinstance(tree, Not) else tree.filters
    if not children:
        raise ReportError("A filter group has no expressions; give it at least one.")
    conditions = [condition for child in children for condition in leaves(child, depth + 1)]
    if len(conditions) > MOST_FILTERS:
        raise ReportError(f"The filter has more than {MOST_FILTERS} conditions.")
    return conditions


def dimension_conditions(tree: Filter | None) -> list[Leaf]:
    """Returns the conditions of a dimension filter. Raises ReportError for conditions on metrics and bad patterns."""
    conditions = leaves(tree)
    for condition in conditions:
        if condition.field in METRICS:
            raise ReportError(f"{condition.field!r} is a metric; put it into the metric filter.")
        if isinstance(condition, StringFilter) and condition.match.endswith("REGEXP"):
            check_pattern(condition)
    return conditions


def filter_rows(
    rows: pl.DataFrame, tree: Filter | None, dimensions: Mapping[str, Dimension], zone: str
) -> pl.DataFrame:
    """Keeps the rows that a dimension filter accepts. `dimensions` are those of its conditions, by name.

    Each condition is tried on the distinct values only: of a million page views of 50 paths, a pattern reads 50 texts.
    """
    if tree is None:
        return rows
    return rows.filter(combine(tree, lambda leaf: row_condition(rows, leaf, dimensions[leaf.field], zone)))


def accepted(rows: pl.DataFrame, tree: Filter | None, dimensions: Mapping[str, Dimension], zone: str) -> pl.Series:
    """Returns which rows a dimension filter accepts (Boolean, none null)."""
    if tree is None:
        return pl.repeat(value=True, n=rows.height, dtype=pl.Boolean(), eager=True)
    mask = combine(tree, lambda leaf: row_condition(rows, leaf, dimensions[leaf.field], zone))
    return rows.select(mask.fill_null(value=False).alias("accepted")).to_series()


def row_condition(rows: pl.DataFrame, leaf: Leaf, dimension: Dimension, zone: str) -> pl.Expr:
    """Returns which of the rows a condition on this dimension accepts (Boolean)."""
    distinct = rows.select(dimension.key(zone).alias("key")).unique()
    texts = distinct.select(dimension.text(pl.col("key"))).to_series()
    return dimension.key(zone).is_in(distinct["key"].filter(matches(leaf, texts)).implode())


def combine(tree: Filter, accepts: Callable[[Leaf], pl.Expr]) -> pl.Expr:
    """Makes one Boolean expression of a tree; `accepts` makes that of a single condition."""
    match tree:
        case And(filters):
            return pl.all_horizontal(combine(child, accepts) for child in filters)
        case Or(filters):
            return pl.any_horizontal(combine(child, accepts) for child in filters)
        case Not(child):
            return ~combine(child, accepts)
    return accepts(tree)


def matches(leaf: Leaf, texts: pl.Series) -> pl.Series:
    """Returns which of a dimension's texts (String, none null) the condition accepts (Boolean)."""
    match leaf:
        case StringFilter():
            return _matches_string(leaf, texts)
        case InListFilter(values=values, case_sensitive=case_sensitive):
            return _folded(texts, case_sensitive).is_in(_filter_values(values, case_sensitive).implode())
        case EmptyFilter():
            return texts.is_in([NOT_SET, ""])
    number = pl.col("text").cast(pl.Float64, strict=False)
    mask = texts.to_frame("text").select(numeric(leaf, number)).to_series()
    return mask.fill_null(value=False)  # texts that are not numbers


def numeric(leaf: Leaf, number: pl.Expr) -> pl.Expr:
    """Returns whether the condition accepts the number (Boolean). Raises ReportError for conditions on text."""
    match leaf:
        case NumericFilter(operation=operation, value=value):
            return pl.Expr.and_(_COMPARE[operation](number, value), number.is_not_nan())
        case BetweenFilter(low=low, high=high):
            return number.is_between(low, high)
    raise ReportError(f"The filter on the metric {leaf.field!r} compares text; use a numeric or a between filter.")


def check_pattern(leaf: StringFilter) -> Any:
    """Compiles the regular expression with RE2, which takes time in proportion to the text. Raises ReportError."""
    if len(leaf.value) > LONGEST_PATTERN:
        raise ReportError(f"The regular expression for {leaf.field!r} has more than {LONGEST_PATTERN} characters.")
    options = re2.Options()
    options.case_sensitive, options.log_errors, options.max_mem = leaf.case_sensitive, False, _PATTERN_MEMORY
    try:
        return re2.compile(leaf.value, options)
    except (re2.error, UnicodeEncodeError) as error:
        cause = error.args[0] if error.args else ""
        text = cause.decode(errors="replace") if isinstance(cause, bytes) else str(error)
        raise ReportError(f"The regular expression for {leaf.field!r} is not one of RE2: {text[:200]}") from error


def _matches_string(leaf: StringFilter, texts: pl.Series) -> pl.Series:
    if leaf.match in ("FULL_REGEXP", "PARTIAL_REGEXP"):
        pattern = check_pattern(leaf)
        search = pattern.fullmatch if leaf.match == "FULL_REGEXP" else pattern.search
        return pl.Series([search(text) is not None for text in texts], dtype=pl.Boolean)
    folded = _folded(texts, leaf.case_sensitive)
    value: str = _filter_values((leaf.value,), leaf.case_sensitive)[0]
    match leaf.match:
        case "BEGINS_WITH":
            return folded.str.starts_with(value)
        case "ENDS_WITH":
            return folded.str.ends_with(value)
        case "CONTAINS":
            return folded.str.contains(value, literal=True)
    return folded == value


def _filter_values(values: tuple[str, ...], case_sensitive: bool) -> pl.Series:
    """Returns the values in the spelling to compare. Raises ReportError for too many or too long ones."""
    if not 1 <= len(values) <= MOST_VALUES or any(len(value) > LONGEST_VALUE for value in values):
        raise ReportError(f"A filter takes 1 to {MOST_VALUES} values of at most {LONGEST_VALUE} characters.")
    # JSON may carry lone surrogates, which UTF-8 and polars cannot.
    encodable = [value.encode("utf-8", "replace").decode() for value in values]
    return _folded(pl.Series(encodable, dtype=pl.String), case_sensitive)


def _folded(texts: pl.Series, case_sensitive: bool) -> pl.Series:
    return texts if case_sensitive else texts.str.to_lowercase()
