"""Computes what reports say of orders and items slowly, from the manual's definitions. Shares no code with the product.

A fact's `order` has the texts that the event sent (transaction_id, value, tax, shipping, coupon, currency), and `items`
those of its items, by the two letters of their keys. A fact of items has one item. Facts without them have no order.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final, NamedTuple

from configuration.exchange_rates import Rate

Fact = dict[str, Any]
LARGEST: Final = 2**63 - 1024
EPOCH: Final = date(1970, 1, 1)
ITEM_TEXTS: Final = {
    "itemId": "id", "itemName": "nm", "itemBrand": "br", "itemCategory": "ca", "itemCategory2": "c2",
    "itemCategory3": "c3", "itemCategory4": "c4", "itemCategory5": "c5", "itemVariant": "va", "itemCoupon": "cp",
    "itemAffiliation": "af", "itemListId": "li", "itemListName": "ln", "itemListPosition": "lp",
    "itemPromotionId": "pi", "itemPromotionName": "pn", "itemPromotionCreativeName": "cn",
    "itemPromotionCreativeSlot": "cs", "itemLocationID": "lo",
}  # fmt: skip


class Currencies(NamedTuple):
    """The property's currency, and the rates that were uploaded."""

    own: str
    rates: tuple[Rate, ...] = ()

    def convert(self, millionths: int, currency: str, day: str) -> int | None:
        if currency == self.own:
            return millionths
        for back in range(8):
            number = (date.fromisoformat(day) - timedelta(days=back) - EPOCH).days
            given = [rate for rate in self.rates if rate.day == number]
            direct = [Fraction(each.rate) for each in given if (each.currency, each.target) == (currency, self.own)]
            inverse = [Fraction(each.rate) for each in given if (each.currency, each.target) == (self.own, currency)]
            if found := direct or [1 / rate for rate in inverse]:
                exact = abs(millionths) * found[0]
                whole = int(exact + Fraction(1, 2))
                return _cut(whole if millionths >= 0 else -whole)
        return None


def with_orders(facts: list[Fact], currencies: Currencies) -> list[Fact]:
    """Adds to each fact what its order is worth, and whether it is a purchase that counts."""
    purchases = [fact for fact in facts if fact["event"] == "purchase"]
    ordered = sorted(purchases, key=lambda fact: (fact["time"], fact["hit"], fact["received_us"], fact["index"]))
    first: dict[str, tuple[int, int]] = {}
    for fact in ordered:
        if name := _of(fact).get("transaction_id"):
            first.setdefault(name, (fact["position"], fact["index"]))
    return [{**fact, **_worth(fact, currencies), "counted": _counts(fact, first)} for fact in facts]


def _counts(fact: Fact, first: Mapping[str, tuple[int, int]]) -> bool:
    name = _of(fact).get("transaction_id")
    return fact["event"] == "purchase" and (not name or first[name] == (fact["position"], fact["index"]))


def _worth(fact: Fact, currencies: Currencies) -> Fact:
    order, items = _of(fact), [_item(item) for item in fact.get("items", ())]
    sent = {name: _millionths(order.get(name)) for name in ("value", "tax", "shipping")}
    price = _cut(sum(item["worth"] for item in items)) if items else None
    currency = _currency(order.get("currency", ""), currencies.own)
    value = price if sent["value"] is None else sent["value"]

    def converted(amount: int | None) -> int | None:
        return None if amount is None else currencies.convert(amount, currency, fact["day"])

    has_money = any(amount is not None for amount in (*sent.values(), price))
    return {
        "money": {**{name: converted(amount) for name, amount in sent.items()}, "value": converted(value)},
        "event_value": converted(sent["value"]),
        "paid": value is not None and value > 0,
        "unconverted": value if value is not None and converted(value) is None else None,
        "currency_code": currency if has_money else "(not set)",
        "item_facts": [{**item, "revenue": converted(item["worth"])} for item in items],
        "item_revenue": converted(price),  # of all items together: rounded once
    }


def _item(item: Mapping[str, str]) -> Fact:
    units = _number(item.get("qt"))
    quantity = 1 if units is None else round(min(max(units, 0), 1_000_000))
    price = _millionths(item.get("pr"))
    return {"texts": item, "quantity": quantity, "worth": _cut((price or 0) * quantity)}


def by_item(facts: list[Fact]) -> list[Fact]:
    return [
        {**fact, "item_facts": [item], "item_revenue": item["revenue"]} for fact in facts for item in fact["item_facts"]
    ]


def _of(fact: Fact) -> Mapping[str, str]:
    found: Mapping[str, str] = fact.get("order") or {}
    return found


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "x")
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def _millionths(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else _cut(round(number * 1_000_000))


def _currency(text: str, own: str) -> str:
    if not text:
        return own
    return text.upper() if len(text) == 3 and text.isascii() and text.isalpha() else "XXX"


def _cut(number: int) -> int:
    return max(-LARGEST, min(LARGEST, number))


def _sum(amounts: list[int | None]) -> int:
    return _cut(sum(amount for amount in amounts if amount is not None))


def _millions(millionths: int) -> float:
    """Both numbers are rounded to doubles before they are divided, as reports do: it matters above 2**53."""
    return float(_cut(millionths)) / 1_000_000


def _divided(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _users(rows: list[Fact]) -> int:
    return len({fact["visitor"] for fact in rows})


def _active(rows: list[Fact]) -> int:
    return _users([fact for fact in rows if fact["active"]])


def _counted(rows: list[Fact]) -> list[Fact]:
    return [fact for fact in rows if fact.get("counted", fact["event"] == "purchase")]


def _named(rows: list[Fact], event: str) -> list[Fact]:
    return [fact for fact in rows if fact["event"] == event]


def _gross(rows: list[Fact], name: str = "value") -> int:
    return _sum([fact.get("money", {}).get(name) for fact in _counted(rows)])


def _refunds(rows: list[Fact]) -> int:
    return _sum([fact.get("money", {}).get("value") for fact in _named(rows, "refund")])


def _revenue(rows: list[Fact]) -> float:
    return _millions(_gross(rows) - _refunds(rows))


def _paid(rows: list[Fact]) -> int:
    return sum(fact.get("paid", False) for fact in _counted(rows))


def _purchasers(rows: list[Fact]) -> int:
    return _users(_counted(rows))


def _unconverted(rows: list[Fact]) -> float:
    gross = _sum([fact.get("unconverted") for fact in _counted(rows)])
    return _millions(gross - _sum([fact.get("unconverted") for fact in _named(rows, "refund")]))


def _units(event: str) -> Callable[[list[Fact]], float]:
    return lambda rows: sum(item["quantity"] for fact in _named(rows, event) for item in fact.get("item_facts", ()))


def _with_items(rows: list[Fact], event: str) -> list[Fact]:
    return [fact for fact in _named(rows, event) if fact.get("item_facts")]


def _events(event: str) -> Callable[[list[Fact]], float]:
    return lambda rows: len({(fact["position"], fact["index"]) for fact in _with_items(rows, event)})


def _share(part: str, whole: str) -> Callable[[list[Fact]], float]:
    return lambda rows: _divided(_users(_with_items(rows, part)), _users(_with_items(rows, whole)))


def _item_money(rows: list[Fact]) -> int:
    return _sum([fact.get("item_revenue") for fact in rows])


METRICS: dict[str, Callable[[list[Fact]], float]] = {
    "eventValue": lambda rows: _millions(_sum([fact.get("event_value") for fact in rows])),
    "ecommercePurchases": lambda rows: len(_counted(rows)),
    "transactions": _paid,
    "totalPurchasers": _purchasers,
    "purchaserRate": lambda rows: _divided(_purchasers(rows), _active(rows)),
    "transactionsPerPurchaser": lambda rows: _divided(_paid(rows), _purchasers(rows)),
    "totalRevenue": _revenue,
    "purchaseRevenue": _revenue,
    "grossPurchaseRevenue": lambda rows: _millions(_gross(rows)),
    "refundAmount": lambda rows: _millions(_refunds(rows)),
    "taxAmount": lambda rows: _millions(_gross(rows, "tax")),
    "shippingAmount": lambda rows: _millions(_gross(rows, "shipping")),
    "averagePurchaseRevenue": lambda rows: _divided(_revenue(rows), _paid(rows)),
    "averagePurchaseRevenuePerUser": lambda rows: _divided(_revenue(rows), _active(rows)),
    "averageRevenuePerUser": lambda rows: _divided(_revenue(rows), _active(rows)),
    "averagePurchaseRevenuePerPayingUser": lambda rows: _divided(_revenue(rows), _purchasers(rows)),
    "unconvertedRevenue": _unconverted,
    "itemsViewed": _units("view_item"),
    "itemsViewedInList": _units("view_item_list"),
    "itemsClickedInList": _units("select_item"),
    "itemsViewedInPromotion": _units("view_promotion"),
    "itemsClickedInPromotion": _units("select_promotion"),
    "itemsAddedToCart": _units("add_to_cart"),
    "itemsCheckedOut": _units("begin_checkout"),
    "itemsPurchased": lambda rows: sum(
        item["quantity"] for fact in _counted(rows) for item in fact.get("item_facts", ())
    ),
    "itemViewEvents": _events("view_item"),
    "itemListViewEvents": _events("view_item_list"),
    "itemListClickEvents": _events("select_item"),
    "itemListClickThroughRate": _share("select_item", "view_item_list"),
    "itemPromotionClickThroughRate": _share("select_promotion", "view_promotion"),
    "cartToViewRate": _share("add_to_cart", "view_item"),
    "purchaseToViewRate": lambda rows: _divided(
        _users([fact for fact in _counted(rows) if fact.get("item_facts")]), _users(_with_items(rows, "view_item"))
    ),
    "itemRevenue": lambda rows: _millions(_item_money(_counted(rows)) - _item_money(_named(rows, "refund"))),
    "grossItemRevenue": lambda rows: _millions(_item_money(_counted(rows))),
    "itemRefundAmount": lambda rows: _millions(_item_money(_named(rows, "refund"))),
}


def _text(key: str) -> Callable[[Fact], str]:
    return lambda fact: fact["item_facts"][0]["texts"].get(key, "").strip() or "(not set)"


ITEM_DIMENSIONS: dict[str, Callable[[Fact], str]] = {name: _text(key) for name, key in ITEM_TEXTS.items()}
DIMENSIONS: dict[str, Callable[[Fact], str]] = {
    "transactionId": lambda fact: _of(fact).get("transaction_id") or "(not set)",
    "orderCoupon": lambda fact: _of(fact).get("coupon") or "(not set)",
    "currencyCode": lambda fact: fact["currency_code"],
    **ITEM_DIMENSIONS,
}
