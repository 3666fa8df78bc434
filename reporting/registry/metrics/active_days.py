"""Metrics of users who were active within some days, and how often they come."""

from typing import Final

import polars as pl

from reporting.model.expressions import ratio
from reporting.registry.measures import active_visitors_of
from reporting.registry.metrics.model import Metric

_DAYS: Final = {1: "day", 7: "7 days", 28: "28 days"}
_WEEK: Final = 7
_MONTH: Final = 30  # of the ratios, as Google has it, although its users are those of 28 days
_WINDOW: Final = (
    " In a report by date these days end with the row's date, in any other report with the last day of the date range;"
    " they may begin before it."
)


def _active(days: int, users: int) -> Metric:
    measure = active_visitors_of(days)
    return Metric(
        name=f"active{days}DayUsers",
        label=f"{days}-day active users",
        type="INTEGER",
        category="User",
        definition=f"Distinct visitors of active events within {'a' if days == 1 else 'the'} {_DAYS[days]}, see"
        f" activeUsers.{_WINDOW}",
        example=f"{users}: {users} visitors were active within {'a' if days == 1 else 'the'} {_DAYS[days]}",
        measures=(measure,),
        value=pl.col(measure.name),
        flags_show_zero=False,
    )


def _ratio(name: str, label: str, few: int, many: int, *, example: str) -> Metric:
    part, whole = active_visitors_of(few), active_visitors_of(many)
    return Metric(
        name=name,
        label=label,
        type="FLOAT",
        category="User",
        definition=f"Distinct visitors of active events within {'a day' if few == 1 else f'the {few} days'} as a share"
        f" of those within the {many} days, from 0 to 1, see activeUsers.{_WINDOW}",
        example=example,
        measures=(part, whole),
        value=ratio(pl.col(part.name), pl.col(whole.name)),
        flags_show_zero=False,
    )


ACTIVE_DAYS_METRICS: Final = (
    *map(_active, _DAYS, (80, 400, 1000)),
    _ratio(
        "dauPerMau", "DAU / MAU", 1, _MONTH, example="0.08: of 1,000 visitors within 30 days, 80 came on the last one"
    ),
    _ratio("dauPerWau", "DAU / WAU", 1, _WEEK, example="0.2: one of five visitors of the week came on its last day"),
    _ratio(
        "wauPerMau",
        "WAU / MAU",
        _WEEK,
        _MONTH,
        example="0.4: of 1,000 visitors within 30 days, 400 came within the last 7",
    ),
)
