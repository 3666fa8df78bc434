"""Metrics of web vitals and errors."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from processing.pipeline.custom_values import MILLIONTHS
from processing.pipeline.lookups.event_names import ERROR_EVENTS
from reporting.model.expressions import ratio
from reporting.registry.measures import SESSIONS, VISITORS, Distinct, Quantile, Sum
from reporting.registry.metrics.model import Metric, count, rate
from reporting.registry.vitals import RATINGS, VITALS, Vital

PERCENT: Final = 75
_COLUMNS: Final = ("vital", "vital_value")
_IS_ERROR: Final = pl.any_horizontal(pl.col("event") == name for name in ERROR_EVENTS)
_ERRORS: Final = Sum("errors", ("event",), _IS_ERROR)
_FATAL_ERRORS: Final = Sum("fatal_errors", ("error_fatal",), pl.col("error_fatal"))
_ERROR_SESSIONS: Final = Distinct("error_sessions", ("session", "event"), "session", _IS_ERROR)
_CRASHED_VISITORS: Final = Distinct("crashed_visitors", ("visitor", "error_fatal"), "visitor", pl.col("error_fatal"))


def _of_vital(vital: Vital) -> Iterator[Metric]:
    name, short = vital.name.lower(), vital.name
    unit = f" {vital.unit}" if vital.unit else ""
    quantile = Quantile(f"{short} quantile", _COLUMNS, vital.value, PERCENT)
    measured = Sum(f"{short} values", _COLUMNS, vital.value.is_not_null())
    yield Metric(
        name=f"{name}P75",
        label=f"{short}, 75th percentile",
        type="MILLISECONDS" if vital.unit else "FLOAT",
        category="Quality",
        definition=f"The 75th percentile of {vital.label} ({short}): the smallest measured value that at least three"
        f" quarters of the row's measurements do not exceed{', in milliseconds' if vital.unit else ', without unit'}."
        " 0 if there are none.",
        example=f"{vital.good:g}: three of four times, {short} was at most {vital.good:g}{unit}",
        measures=(quantile,),
        value=ratio(pl.col(quantile.name), MILLIONTHS),
        flags_show_zero=False,
    )
    yield count(
        name=f"{name}Count",
        label=f"{short} measurements",
        category="Quality",
        definition=f"The number of events that measure {vital.label} ({short}).",
        example=f"40: {short} was measured 40 times",
        measure=measured,
    )
    yield from _ratings_of(vital, measured, unit)


def _ratings_of(vital: Vital, measured: Sum, unit: str) -> Iterator[Metric]:
    bounds = (
        f"at most {vital.good:g}{unit}",
        f"more than {vital.good:g} and at most {vital.poor:g}{unit}",
        f"more than {vital.poor:g}{unit}",
    )
    for rating, words, share in zip(RATINGS, bounds, (80, 15, 5), strict=True):
        yield rate(
            f"{vital.name.lower()}{rating.title().replace(' ', '')}Rate",
            f"{vital.name}: {rating}",
            "Quality",
            f"Measurements of {vital.name} that are {rating} ({words}) as a share of all of them, from 0 to 1.",
            Sum(f"{vital.name} {rating}", _COLUMNS, vital.rating == rating),
            measured,
            example=f"{share / 100}: {share} of 100 measurements of {vital.name} were {rating}",
        )


QUALITY_METRICS: Final = (
    *(metric for vital in VITALS for metric in _of_vital(vital)),
    count(
        name="errors",
        label="Errors",
        category="Quality",
        definition="The number of events named exception or app_exception.",
        measure=_ERRORS,
        example="7: seven errors",
    ),
    count(
        name="fatalErrors",
        label="Fatal errors",
        category="Quality",
        definition="The number of these events whose parameter fatal is true.",
        measure=_FATAL_ERRORS,
        example="2: two of the errors were fatal",
    ),
    Metric(
        name="errorFreeSessionRate",
        label="Error-free session rate",
        type="FLOAT",
        category="Quality",
        definition="Distinct sessions without an error in the row as a share of all sessions of the row, from 0 to 1.",
        measures=(_ERROR_SESSIONS, SESSIONS),
        value=ratio(pl.col(SESSIONS.name) - pl.col(_ERROR_SESSIONS.name), pl.col(SESSIONS.name)),
        flags_show_zero=False,
        example="0.95: 19 of 20 sessions had no error",
    ),
    count(
        name="crashAffectedUsers",
        label="Crash-affected users",
        category="Quality",
        definition="Distinct visitors with a fatal error in the row.",
        measure=_CRASHED_VISITORS,
        example="2: two visitors had a fatal error",
    ),
    Metric(
        name="crashFreeUsersRate",
        label="Crash-free users rate",
        type="FLOAT",
        category="Quality",
        definition="Distinct visitors without a fatal error in the row as a share of all visitors of the row, from 0 to"
        " 1.",
        measures=(_CRASHED_VISITORS, VISITORS),
        value=ratio(pl.col(VISITORS.name) - pl.col(_CRASHED_VISITORS.name), pl.col(VISITORS.name)),
        flags_show_zero=False,
        example="0.98: 98 of 100 visitors had no fatal error",
    ),
)
