"""Pairs of dimensions and metrics with which tests ask for everything that the registry has."""

from collections.abc import Iterator
from itertools import cycle
from typing import Final

from reporting.registry.compatibility import clashes
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS

AT_ONCE: Final = 7
NAMES: Final = tuple(METRICS)
PARTS: Final = tuple(NAMES[low : low + AT_ONCE] for low in range(0, len(NAMES), AT_ONCE))
METRICS_OF_ITEMS: Final = ("itemRevenue", "itemsPurchased", "itemsViewed", "itemViewEvents", "totalUsers")


def every_name() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yields each dimension with some metrics, in turn, and all metrics without a dimension and by page."""
    for name, metrics in zip(DIMENSIONS, cycle(PARTS), strict=False):
        fitting = METRICS_OF_ITEMS if DIMENSIONS[name].scope == "item" else metrics
        yield (name,), going_with((name,), fitting)
    for metrics in PARTS:
        yield (), going_with((), metrics)
        yield ("pagePath",), going_with(("pagePath",), metrics)
    for metrics in PARTS:
        if some := going_with(("itemName",), metrics):
            yield ("itemName",), some


def going_with(dimensions: tuple[str, ...], metrics: tuple[str, ...]) -> tuple[str, ...]:
    """Leaves out the metrics that do not go with the dimensions, and the one that has no total."""
    found = clashes([DIMENSIONS[name] for name in dimensions], [], [METRICS[name] for name in metrics])
    without = {*(clash.metric for clash in found), "unconvertedRevenue"}
    return tuple(name for name in metrics if name not in without)
