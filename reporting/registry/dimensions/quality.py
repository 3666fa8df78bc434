"""Dimensions of web vitals and errors."""

from typing import Final

import polars as pl

from reporting.registry.dimensions.model import NOT_SET, Dimension, of_column, plain
from reporting.registry.vitals import VITALS

QUALITY: Final = (
    of_column(
        "webVitalName",
        "Web vital",
        "Quality",
        "The web vital that the event measures: LCP, INP, CLS, FCP or TTFB.",
        "vital",
        example="LCP",
    ),
    Dimension(
        name="webVitalRating",
        label="Web vital rating",
        category="Quality",
        scope="event",
        definition="How good the measured web vital is by web.dev's thresholds: good, needs improvement or poor. A"
        " rating that the client sends does not matter.",
        columns=("vital", "vital_value"),
        key=lambda _zone: pl.coalesce(*(vital.rating for vital in VITALS), pl.lit(NOT_SET)),
        text=plain,
        example="good",
    ),
    of_column(
        "errorMessage",
        "Error message",
        "Quality",
        "The description of an exception event, else its message, cut at 255 characters. Google has no such dimension.",
        "error_message",
        example="basket is not defined",
    ),
    Dimension(
        name="errorFatal",
        label="Error is fatal",
        category="Quality",
        scope="event",
        definition="Of an exception event: yes if its parameter fatal is true, otherwise no. Google has no such"
        " dimension.",
        columns=("error_fatal",),
        key=lambda _zone: (
            pl.when("error_fatal")
            .then(pl.lit("yes"))
            .when(pl.col("error_fatal").eq(other=False))
            .then(pl.lit("no"))
            .otherwise(pl.lit(NOT_SET))
        ),
        text=plain,
        example="no",
    ),
)
