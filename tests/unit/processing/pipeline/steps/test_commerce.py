"""Orders, money and items of events, whatever clients send."""

from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.pipeline.custom_values import LARGEST
from processing.pipeline.lookups.items import MOST_ITEMS, MOST_UNITS, TEXTS
from processing.pipeline.steps.commerce import LONGEST_TEXT, NO_CURRENCY
from processing.schema import ITEM_FACTS
from tests.support.raw_rows import ga4, processed


def event(rest: str, en: str = "purchase", **more: Any) -> dict[str, Any]:
    (row,) = processed(ga4(en=en, rest=rest, **more)).events.rows(named=True)
    return row


def items(*texts: str, **more: Any) -> list[dict[str, Any]]:
    rest = "&".join(f"pr{number}={quote_plus(text)}" for number, text in enumerate(texts, 1))
    found = processed(ga4(en="purchase", rest=rest, **more)).items
    return [{name: value for name, value in row.items() if value is not None} for row in found.rows(named=True)]


def test_it_works() -> None:
    rest = "v=2&ep.transaction_id=T%201&epn.value=19.99&epn.tax=1.5&epn.shipping=0&ep.coupon=may"
    rest += "&pr1=idS1~nmSocks~pr4.5~qt2"
    row = event(f"{rest}&pr2=idS2~pr0.99", cu="eur")
    money = {"value": 19_990_000, "tax": 1_500_000, "shipping": 0, "currency": "EUR", "coupon": "may"}
    assert row | money | {"transaction_id": "T 1", "item_quantity": 3, "item_value": 9_990_000} == row
    (socks, other) = items("idS1~nmSocks~pr4.5~qt2~k0shade~v0red", "idS2~pr0.99")
    facts = {"number": 1, "item_id": "S1", "item_name": "Socks", "item_price": 4_500_000, "item_quantity": 2}
    assert socks | facts | {"item_value": 9_000_000, "position": 1, "index": 2, "visitor": 7} == socks
    assert (other["number"], other["item_quantity"], "item_name" in other) == (2, 1, False)


def test_events_without_an_order() -> None:
    row = event("v=2&pr=1&prx=2&xpr1=idS1", en="page_view")
    assert [row[name] for name in ("transaction_id", "order_key", "value", "currency", "item_quantity")] == [None] * 5
    assert items() == []


@pytest.mark.parametrize(
    ("sent", "currency"),
    [
        ("cu", None),
        ("usd", "USD"),
        (" GBP ", "GBP"),
        ("euros", NO_CURRENCY),
        ("€", NO_CURRENCY),
        ("E\u0130R", NO_CURRENCY),
    ],
)
def test_currencies(sent: str, currency: str | None) -> None:
    named = {} if currency is None else {"cu": sent}
    assert event("epn.value=1", **named)["currency"] == currency
    assert event(f"epn.value=1{f'&ep.currency={quote_plus(sent)}' if named else ''}")["currency"] == currency


def test_a_currency_without_money_means_nothing() -> None:
    assert event("ep.transaction_id=1", cu="EUR")["currency"] is None


def test_only_purchases_have_the_key_of_their_order() -> None:
    keys = [event("ep.transaction_id=T1", en)["order_key"] for en in ("purchase", "purchase", "refund")]
    assert keys[0] == keys[1] is not None
    assert keys[2] is None


def test_implied_events_have_no_order() -> None:
    found = processed(ga4(en="purchase", rest="epn.value=5&pr1=idS1~pr5", _fv="1", _ss="1"))
    assert found.events.sort("index")["value"].to_list() == [None, None, 5_000_000]
    assert found.items["index"].to_list() == [2]


@pytest.mark.parametrize(
    ("quantity", "units"),
    [("", 1), ("2", 2), ("2.6", 3), ("0", 0), ("-5", 0), ("nan", 1), ("inf", 1), ("x", 1), ("1e300", MOST_UNITS)],
)
def test_quantities(quantity: str, units: int) -> None:
    (item,) = items(f"pr2~qt{quantity}")
    assert (item["item_quantity"], item["item_value"]) == (units, 2_000_000 * units)


@pytest.mark.parametrize(
    ("price", "millionths"),
    [("0.1", 100_000), ("-3", -3_000_000), ("1e308", LARGEST), ("-1e308", -LARGEST), ("1e309", None), ("NaN", None)],
)
def test_prices(price: str, millionths: int | None) -> None:
    (item,) = items(f"idS1~pr{price}~qt2")
    assert item.get("item_price") == millionths
    assert item["item_value"] == max(-LARGEST, min(LARGEST, 2 * (millionths or 0)))


def test_the_first_of_repeated_items_and_fields_counts() -> None:
    rest = "pr1=ida~idb&pr1=idc&pr2=xyz&pr3=&pr0=idz&pr201=idz&pr01=idz"
    found = processed(ga4(en="view_item", rest=rest)).items
    assert found.select("number", "item_id").rows() == [(1, "a")]


def test_every_field_has_its_column() -> None:
    (item,) = items("~".join(f"{key} value {key} " for key in TEXTS))
    assert {name: item[name] for name in TEXTS.values()} == {name: f"value {key}" for key, name in TEXTS.items()}


def test_many_items_and_long_texts_are_bounded() -> None:
    found = items(*(f"id{number}~nm{'x' * 10_000}~pr1e300~qt9" for number in range(1, 300)))
    assert [item["number"] for item in found] == list(range(1, MOST_ITEMS + 1))
    assert {len(item["item_name"]) for item in found} == {LONGEST_TEXT}
    row = event("&".join(f"pr{number}=pr1e300~qt9" for number in range(1, 201)) + f"&ep.coupon={'x' * 10_000}")
    assert (row["item_value"], row["item_quantity"], len(row["coupon"])) == (LARGEST, 1800, LONGEST_TEXT)


@given(st.lists(st.text(max_size=30) | st.binary(max_size=30).map(lambda data: data.decode("latin-1")), max_size=4))
@settings(deadline=None)
def test_no_text_is_too_strange(texts: list[str]) -> None:
    rest = "&".join([*(f"pr{number}={quote_plus(text)}" for number, text in enumerate(texts, 1)), *texts])
    found = processed(ga4(en="purchase", rest=f"{rest}&epn.value={quote_plus(''.join(texts))}"))
    assert found.events.height == 1
    assert set(found.items.columns) >= set(ITEM_FACTS)


def test_many_rows_and_single_ones_agree() -> None:
    rows = [ga4(n, en="purchase", rest=f"epn.value={n % 3}&pr1=id{n % 7}~qt{n % 4}", cu="EUR") for n in range(500)]
    singles = [processed(row).items.row(0) for row in rows]
    assert processed(*rows).items.sort("position").rows() == singles


@pytest.mark.parametrize("name", ["A~pr7", "~A", "A~", "A~~B", "~"])
def test_the_sign_between_fields_may_be_in_a_value(name: str) -> None:
    """gtag.js doubles it there."""
    (item,) = items(f"idS1~nm{name.replace('~', '~~')}~pr4~va{'~' * 600}")
    assert (item["item_name"], item["item_price"], item["item_variant"]) == (name, 4_000_000, "~" * 255)
