"""Says which dimensions and metrics go together: for our own reports, and for whoever asks before making one.

A dimension of items divides an event into its items. A metric goes with it if it says something of an item: if it
counts items, or distinct visitors, sessions or events. The price of a whole order, or how long a session lasted, cannot
be divided among items.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from reporting.model.report import ReportError
from reporting.registry.dimensions.model import Dimension
from reporting.registry.measures import Distinct, Sum
from reporting.registry.metrics.model import Metric

CURRENCY: Final = "currencyCode"
IN_OWN_CURRENCY: Final = "unconverted_value"  # the column whose amounts are in several currencies


class Clash(NamedTuple):
    """A dimension and a metric that do not go together, and what to do. `dimension`: "" if one is missing."""

    dimension: str
    metric: str
    message: str


def clashes(
    dimensions: Sequence[Dimension], filter_dimensions: Sequence[Dimension], metrics: Iterable[Metric]
) -> list[Clash]:
    """Returns every pair of a report that does not go together."""
    of_items = [dimension for dimension in (*dimensions, *filter_dimensions) if dimension.scope == "item"]
    found = list[Clash]()
    for metric in metrics:
        if not counts_items(metric):
            found += [Clash(dimension.name, metric.name, _whole(dimension, metric)) for dimension in of_items]
        if _in_own_currency(metric) and not any(dimension.name == CURRENCY for dimension in dimensions):
            found.append(Clash("", metric.name, _mixed(metric)))
    return found


def check_totals(metrics: Iterable[Metric]) -> None:
    """Raises ReportError for metrics whose rows cannot be added."""
    for metric in metrics:
        if _in_own_currency(metric):
            raise ReportError(_mixed(metric))


def counts_items(metric: Metric) -> bool:
    """Returns whether the metric goes with dimensions of items."""
    return all(isinstance(each, Distinct) or (isinstance(each, Sum) and each.of_items) for each in metric.measures)


def _in_own_currency(metric: Metric) -> bool:
    return any(IN_OWN_CURRENCY in measure.columns for measure in metric.measures)


def _whole(dimension: Dimension, metric: Metric) -> str:
    return (
        f"The metric {metric.name!r} and the dimension {dimension.name!r} do not go together: the metric counts whole"
        " events, the dimension is of their items. Ask for a metric of items, such as itemRevenue or itemsPurchased, or"
        f" leave {dimension.name!r} out."
    )


def _mixed(metric: Metric) -> str:
    return (
        f"The metric {metric.name!r} has money of several currencies, which cannot be added. Add the dimension"
        f" {CURRENCY!r}, and ask for no totals."
    )
