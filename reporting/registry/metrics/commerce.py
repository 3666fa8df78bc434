"""Metrics of commerce."""

from typing import Final

from reporting.registry.measures import events_named
from reporting.registry.metrics.model import count

COMMERCE_METRICS: Final = (
    count(
        name="addToCarts",
        label="Add to carts",
        category="Event",
        definition="The number of add_to_cart events.",
        measure=events_named("add_to_cart"),
    ),
    count(
        name="checkouts",
        label="Checkouts",
        category="Event",
        definition="The number of begin_checkout events.",
        measure=events_named("begin_checkout"),
    ),
)
