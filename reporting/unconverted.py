"""Which money reports cannot convert, for the property's status."""

from datetime import date, timedelta
from typing import Final, NamedTuple

import polars as pl

from processing.segments.read_view import ReadView
from processing.sessions.local_periods import day_of

DAYS: Final = 30  # that a status looks at


class Unconverted(NamedTuple):
    """A currency that events used on so many days without a rate, on `latest` last."""

    currency: str
    days: int
    latest: date


def unconverted(view: ReadView, first: date, last: date) -> list[Unconverted]:
    """Returns the currencies of the days' events that have no rate into the property's, by name."""
    days = view.events(first, last, ["currency", "day"]).unique().cast({"currency": pl.String})
    others = days.filter(pl.col("currency").is_not_null() & (pl.col("currency") != view.currency)).sort("day")
    found = dict[str, Unconverted]()
    for currency, day in others.iter_rows():
        if view.rates.factor(currency, day) is None:
            before = found.get(currency)
            found[currency] = Unconverted(currency, (before.days if before else 0) + 1, day_of(day))
    return sorted(found.values())


def lately_unconverted(view: ReadView, today: date) -> list[Unconverted]:
    return unconverted(view, today - timedelta(days=DAYS - 1), today)
