"""Pairs of dimensions and metrics with which tests ask for everything that the registry has."""

from collections.abc import Iterator
from itertools import cycle
from typing import Final

from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS

AT_ONCE: Final = 7
NAMES: Final = tuple(METRICS)
PARTS: Final = tuple(NAMES[low : low + AT_ONCE] for low in range(0, len(NAMES), AT_ONCE))


def every_name() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yields each dimension with some metrics, in turn, and all metrics without a dimension and by page."""
    for name, metrics in zip(DIMENSIONS, cycle(PARTS), strict=False):
        yield (name,), metrics
    for metrics in PARTS:
        yield (), metrics
        yield ("pagePath",), metrics
