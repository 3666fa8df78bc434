"""The web vitals and their thresholds, as web.dev publishes them."""

from typing import Final, NamedTuple

import polars as pl

from processing.pipeline.custom_values import MILLIONTHS


class Vital(NamedTuple):
    """`good` and `poor` in its unit: up to `good` is good, above `poor` is poor. `unit` is "" for a plain number."""

    name: str
    label: str
    unit: str
    good: float
    poor: float

    @property
    def value(self) -> pl.Expr:
        """Its values, in millionths; null in rows of something else."""
        return pl.when(pl.col("vital") == self.name).then("vital_value")

    @property
    def rating(self) -> pl.Expr:
        """One of RATINGS; null in rows of something else."""
        value = self.value
        good, needs, poor = map(pl.lit, RATINGS)
        rated = pl.when(value <= _millionths(self.good)).then(good).when(value <= _millionths(self.poor)).then(needs)
        return pl.when(value.is_not_null()).then(rated.otherwise(poor))


RATINGS: Final = ("good", "needs improvement", "poor")
VITALS: Final = (
    Vital("LCP", "Largest Contentful Paint", "ms", 2_500, 4_000),
    Vital("INP", "Interaction to Next Paint", "ms", 200, 500),
    Vital("CLS", "Cumulative Layout Shift", "", 0.1, 0.25),
    Vital("FCP", "First Contentful Paint", "ms", 1_800, 3_000),
    Vital("TTFB", "Time to First Byte", "ms", 800, 1_800),
)


def _millionths(value: float) -> int:
    return round(value * MILLIONTHS)
