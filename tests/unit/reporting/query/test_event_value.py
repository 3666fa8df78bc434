"""The sum of the events' values, by hand."""

from decimal import Decimal
from typing import Any

import pytest

from configuration.exchange_rates import Rate, Rates
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report
from tests.support.builders import NOON, FrameView, built

NOW = Now.at_end_of(NOON.date(), "Etc/UTC")
USD_ON_THAT_DAY = Rate((NOON.date().toordinal() - 719_163), "USD", "EUR", Decimal("0.5"))


def total(*events: dict[str, Any]) -> float:
    view = FrameView(built(events), rates=Rates([USD_ON_THAT_DAY], "EUR"))
    report = Report(date_ranges=(DateRange("today", "today"),), metrics=("eventValue",), keep_empty_rows=True)
    return run(report, view, NOW).rows[0].metrics[0]


def test_it_works() -> None:
    """Of any event; the price of items is no value."""
    events = [{"event": "sign_up", "value": 2_500_000}, {"event": "purchase", "value": 4_000_000}]
    assert total(*events, {"event": "purchase", "item_value": 9_000_000}, {}) == 6.5


@pytest.mark.parametrize(("currency", "expected"), [("EUR", 3), ("USD", 1.5), ("GBP", 0), (None, 3)])
def test_money_is_converted(currency: str | None, expected: float) -> None:
    assert total({"event": "purchase", "value": 3_000_000, "currency": currency}) == expected


def test_nothing() -> None:
    assert total() == 0
