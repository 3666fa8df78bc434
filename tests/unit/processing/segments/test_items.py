"""Items on their whole way: live, sealed, folded, erased, reprocessed, copied; always those of the counted events."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import pytest

from configuration.exchange_rates import Rate, Rates
from configuration.ruleset.ruleset import plain_ruleset
from processing.maintenance.fsck import FsckRun
from processing.maintenance.store_copy import StoreCopy
from processing.segments import folding
from processing.segments.manifest import decode_manifest
from processing.segments.read_view import ReadView
from processing.segments.remove_rows import remove_rows, segment_has_visitors
from processing.segments.view_cache import ViewCache
from processing.segments.writer import commit
from processing.store import open_store
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import DateRange, Report
from reporting.query.event_rows import event_parts
from tests.support.erasing import key_of
from tests.support.installation import NOON, SHOP, Installation, ga4
from tests.support.rebuilding import rebuild

pytestmark = pytest.mark.django_db(transaction=True)

TODAY: Final = date(2026, 11, 20)
NOW: Final = Now.at_end_of(TODAY, "Etc/UTC")
DAYS: Final = (DateRange("2026-11-01", "2026-11-20"),)
DAY_MS: Final = 86_400_000
SOCKS: Final = "idS1~nmSocks~pr4.5~qt2"
T1: Final[dict[str, Any]] = {"ep.transaction_id": "T1"}
HAT: Final = "idS2~nmHat~pr20"


def send(here: Installation) -> None:
    """Two orders, of which one is sent twice, a refund and a view, on two days."""
    order: dict[str, Any] = {"event": "purchase", "epn.value": "29", "cu": "USD", **T1}
    here.send(
        ga4(1, at=NOON - DAY_MS, client="1.1", **order, pr1=SOCKS, pr2=HAT),
        ga4(2, client="2.2", **order, pr1=SOCKS, pr2=HAT),
        ga4(3, client="2.2", event="purchase", cu="GBP", pr1=HAT),
        ga4(4, client="1.1", event="refund", pr1=SOCKS, **T1),
        ga4(5, client="3.3", event="view_item", pr1=SOCKS),
        ga4(6, client="3.3"),
    )
    here.receive()


def table(view: ReadView, by: Sequence[str], metrics: Sequence[str]) -> list[tuple[Any, ...]]:
    report = Report(date_ranges=DAYS, dimensions=tuple(by), metrics=tuple(metrics))
    return [(*row.dimensions, *row.metrics) for row in run(report, view, NOW).rows]


METRICS: Final = ("itemsPurchased", "itemRevenue", "itemRefundAmount", "itemsViewed", "totalUsers")
ITEMS: Final = [("Hat", 2, 20, 0, 0, 2), ("Socks", 2, 0, 9, 2, 3)]


def check(view: ReadView) -> None:
    assert table(view, ["itemName"], METRICS) == ITEMS
    metrics = ("ecommercePurchases", "totalRevenue", "transactions", "refundAmount", "grossPurchaseRevenue")
    (row,) = table(view, [], metrics)
    assert row == (2, 20, 2, 9, 29)
    assert table(view, ["currencyCode"], ("unconvertedRevenue",)) == [("GBP", 20)]
    assert table(view, ["date"], ("itemsPurchased",)) == [("20261119", 3), ("20261120", 1)]
    assert table(view, ["itemName", "date"], ("itemViewEvents",)) == [("Socks", "20261120", 1)]
    rates = Rates([Rate(20_776, "GBP", "USD", Decimal("1.25"))], "USD")
    assert table(view.with_rates(rates), ["currencyCode"], ("totalRevenue",))[0] == ("GBP", 25)


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    here = Installation(tmp_path)
    send(here)
    return here


def test_it_works(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live, sealed on top of a layer, folded, and with condensed rows; fsck finds nothing."""
    check(here.view())
    here.worker.seal(everything=True)
    check(here.view())
    here.send(ga4(7, client="2.2", at=NOON + 1000, hit="x"), ga4(7, client="2.2", at=NOON + 2000, hit="x"))
    here.receive()
    check(here.view())
    monkeypatch.setattr(folding, "MIN_CONDENSED_EVENTS", 1)
    here.worker.seal(everything=True)
    check(here.view())
    here.worker.run_maintenance(NOON + 100 * DAY_MS)
    check(here.view())
    assert list(FsckRun(here.log, here.store).problems()) == []


def test_a_copied_store_has_the_items(here: Installation, tmp_path: Path) -> None:
    here.worker.seal(everything=True)
    other = open_store(f"sqlite://{tmp_path}/copy")
    StoreCopy(here.store, other).run()
    check(ViewCache(other).view(SHOP.id))


def test_history_gives_the_same(here: Installation) -> None:
    here.worker.seal(everything=True)
    rebuild(here, msgspec.structs.replace(plain_ruleset(SHOP), number=1))
    check(here.view())


def test_an_erased_visitor_has_no_items(here: Installation) -> None:
    """The order of the erased visitor was the first of its id: now the other one counts."""
    here.worker.seal(everything=True)
    stored, _ = here.store.pin(SHOP.id)
    assert stored
    visitor = key_of("1.1")
    manifest = remove_rows(here.store, SHOP.id, decode_manifest(stored.data), pl.col("visitor") == visitor)
    commit(here.store, SHOP.id, stored, manifest)
    view = here.view()
    assert visitor not in view.of_visitors(pl.Series("visitor", [visitor], dtype=pl.UInt64)).items["visitor"]
    assert table(view, ["date"], ("ecommercePurchases", "refundAmount")) == [("20261120", 2, 0)]
    assert table(view, ["itemName"], ("itemsPurchased",)) == [("Hat", 2), ("Socks", 2)]
    segments = manifest.segment_names()
    assert not any(segment_has_visitors(here.store, name, pl.Series([visitor], dtype=pl.UInt64)) for name in segments)


def test_late_orders_take_over(here: Installation) -> None:
    """An order counts where it was seen first by its own time, not by its arrival."""
    here.worker.seal(everything=True)
    order: dict[str, Any] = {"event": "purchase", "epn.value": "50", "ep.transaction_id": "T1"}
    here.send(ga4(9, client="4.4", created=NOON - 2 * DAY_MS, hit="late", **order))
    here.receive()
    for _ in range(2):
        assert table(here.view(), ["date"], ("grossPurchaseRevenue",)) == [("20261118", 50)]
        here.worker.seal(everything=True)


def test_raw_events_have_items_as_json(here: Installation) -> None:
    rows = pl.concat(list(event_parts(here.view(), date(2026, 11, 19), date(2026, 11, 19)))).rows(named=True)
    assert rows[0]["value"] == 29
    assert rows[0]["items"].startswith('[{"id":"S1","name":"Socks","brand":null')
    assert '"price":4.5,"discount":null,"quantity":2,"value":9.0},{"id":"S2"' in rows[0]["items"]
