"""Reads what events measure: web vitals, and errors of the page."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.conditions.dictionary_column import on_some
from processing.pipeline.conditions.parameters import EVENT_PARAMETER, parameter
from processing.pipeline.custom_values import LONGEST, number
from processing.pipeline.lookups.event_names import ERROR_EVENTS, VITALS, WEB_VITALS
from processing.schema import EVENTS

VALUES: Final = ("metric_value", "value")  # Google's snippet sends the change since the last event as `value`
NAMES: Final = ("metric_name", "name")
MESSAGES: Final = ("description", "message")
TRUE: Final = ("true", "1", "True")
OF_VITALS: Final = ("vital", "vital_value")
OF_ERRORS: Final = ("error_message", "error_fatal")
MEASUREMENTS: Final = {name: EVENTS[name] for name in (*OF_VITALS, *OF_ERRORS)}


def measurements(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Fills the columns MEASUREMENTS of events that have such names; all others are null.

    An event named `LCP` and one named `web_vitals` whose `metric_name` is LCP say the same.
    """
    event = frame["event"]
    is_vital = event.is_in([*VITALS, *WEB_VITALS]).fill_null(value=False)
    is_error = event.is_in(ERROR_EVENTS).fill_null(value=False)
    if is_vital.any():
        frame = _spread(frame, _vitals(frame.filter(is_vital)), is_vital)
    return _spread(frame, _errors(frame.filter(is_error)), is_error) if is_error.any() else frame


def _spread(frame: pl.DataFrame, facts: pl.DataFrame, mask: pl.Series) -> pl.DataFrame:
    """Puts the facts into the rows of the mask; other rows stay null."""
    return frame.with_columns(
        on_some(frame["event"], mask, lambda _, column=column: column).alias(column.name)  # type: ignore[misc]
        for column in facts.iter_columns()
    )


def _vitals(rows: pl.DataFrame) -> pl.DataFrame:
    """A vital without a value, or with one that cannot be, is none."""
    named = _first_of(rows, NAMES).str.to_uppercase()
    vital = pl.when(pl.col("event").is_in(VITALS)).then("event").otherwise(pl.lit(named))
    value = pl.coalesce(*(number(pl.lit(_text(rows, name))) for name in VALUES))
    facts = rows.select(vital.alias("vital"), value.alias("vital_value"))
    is_known = pl.col("vital").is_in(VITALS) & (pl.col("vital_value") >= 0)
    return facts.select(pl.when(is_known).then(pl.col(name)).alias(name) for name in OF_VITALS)


def _errors(rows: pl.DataFrame) -> pl.DataFrame:
    message = _first_of(rows, MESSAGES).str.strip_chars().str.slice(0, LONGEST).replace("", None)
    return pl.DataFrame({"error_message": message, "error_fatal": _text(rows, "fatal").is_in(TRUE)})


def _first_of(rows: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """Returns the first of these parameters that is not empty; the empty text if there is none."""
    texts = [pl.lit(_text(rows, name).replace("", None)) for name in names]
    return pl.select(pl.coalesce(*texts, pl.lit(""))).to_series()


def _text(rows: pl.DataFrame, name: str) -> pl.Series:
    return parameter(rows["rest"], EVENT_PARAMETER, name).rows()
