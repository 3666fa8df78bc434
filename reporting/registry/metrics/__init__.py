"""The metrics of reports. Each entry has its definition, the measures that it needs, and its value."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

import polars as pl

from reporting.model.expressions import read
from reporting.model.report import ReportError, undefined, unknown
from reporting.registry.measures import without_repeats
from reporting.registry.metrics.active_days import ACTIVE_DAYS_METRICS
from reporting.registry.metrics.commerce import COMMERCE_METRICS
from reporting.registry.metrics.events import EVENT_METRICS
from reporting.registry.metrics.items import ITEM_METRICS
from reporting.registry.metrics.model import Metric
from reporting.registry.metrics.of_event import OF_EVENT
from reporting.registry.metrics.pages import PAGE_METRICS
from reporting.registry.metrics.quality import QUALITY_METRICS
from reporting.registry.metrics.sessions import SESSION_METRICS
from reporting.registry.metrics.users import USER_METRICS

_CATEGORIES: Final[tuple[tuple[Metric, ...], ...]] = (
    USER_METRICS,
    ACTIVE_DAYS_METRICS,
    SESSION_METRICS,
    PAGE_METRICS,
    EVENT_METRICS,
    COMMERCE_METRICS,
    QUALITY_METRICS,
    ITEM_METRICS,
)
METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in chain.from_iterable(_CATEGORIES)}
NO_CUSTOM: Final[Mapping[str, Metric]] = {}


def find_metric(name: str, expressions: Mapping[str, str], custom: Mapping[str, Metric] = NO_CUSTOM) -> Metric:
    """Looks a name up in the report, the registry and the property's rules. Raises ReportError for an unknown name and
    for an expression that cannot be read.
    """
    if name in expressions:
        return _calculate(name, expressions[name], custom)
    family, _, event = name.partition(":")
    metric = METRICS.get(name) or custom.get(name)
    if metric is None and event and family in OF_EVENT:
        metric = OF_EVENT[family](name, event)
    if metric is None:
        raise undefined("metric", name, custom) or unknown("metric", name, {**METRICS, **custom})
    return metric


def _calculate(name: str, expression: str, custom: Mapping[str, Metric]) -> Metric:
    if (name in METRICS or name in custom) and expression.strip() != name:
        raise ReportError(f"{name!r} is already a metric; give the expression another name.")
    used: dict[str, Metric] = {}

    def operand(operand_name: str) -> pl.Expr:
        metric = used[operand_name] = find_metric(operand_name, {}, custom)
        return metric.value.cast(pl.Float64)

    value = read(expression, operand)
    measures = without_repeats(measure for metric in used.values() for measure in metric.measures)
    finite = pl.when(value.is_finite()).then(value).otherwise(0.0)
    return Metric(
        name, name, "FLOAT", "Calculated", expression, "", measures, finite, expression, flags_show_zero=False
    )
