"""Metrics of items. By a dimension of items, each of them counts the item; by others, all items of an event."""

from typing import Final

import polars as pl

from reporting.registry.measures import (
    PURCHASED_UNITS,
    PURCHASERS_OF_ITEMS,
    Measure,
    events_with_items,
    of_purchases,
    of_refunds,
    units,
    visitors_with_items,
)
from reporting.registry.metrics.commerce import difference, money
from reporting.registry.metrics.model import Metric, count, rate

GROSS: Final = of_purchases("item_revenue", of_items=True)
REFUNDS: Final = of_refunds("item_revenue", of_items=True)
_WORTH: Final = " An item is worth its price times its quantity."


def _units(name: str, label: str, event: str, *, example: str) -> Metric:
    definition = f"The units of the items of {event} events; an item without a quantity is one unit."
    return count(name=name, label=label, category="Item", definition=definition, example=example, measure=units(event))


def _events(name: str, label: str, event: str, *, example: str) -> Metric:
    definition = f"The number of {event} events that name an item."
    return count(
        name=name,
        label=label,
        category="Item",
        definition=definition,
        example=example,
        measure=events_with_items(event),
    )


def _rate(name: str, label: str, definition: str, part: Measure, whole: Measure, *, example: str) -> Metric:
    return rate(name, label, "Item", definition, part, whole, example=example)


ITEM_METRICS: Final = (
    _units("itemsViewed", "Items viewed", "view_item", example="200: 200 units in view_item events"),
    _units("itemsViewedInList", "Items viewed in list", "view_item_list", example="600: lists showed 600 units"),
    _units("itemsClickedInList", "Items clicked in list", "select_item", example="90: 90 units were chosen from lists"),
    _units(
        "itemsViewedInPromotion",
        "Items viewed in promotion",
        "view_promotion",
        example="150: promotions showed 150 units",
    ),
    _units(
        "itemsClickedInPromotion",
        "Items clicked in promotion",
        "select_promotion",
        example="12: twelve units were chosen from promotions",
    ),
    _units("itemsAddedToCart", "Items added to cart", "add_to_cart", example="40: 40 units were put into carts"),
    _units("itemsCheckedOut", "Items checked out", "begin_checkout", example="30: checkouts were begun with 30 units"),
    count(
        name="itemsPurchased",
        label="Items purchased",
        category="Item",
        definition="The units of the items of purchase events that count, see ecommercePurchases; an item without a"
        " quantity is one unit.",
        measure=PURCHASED_UNITS,
        example="24: 24 units were sold",
    ),
    _events("itemViewEvents", "Item view events", "view_item", example="180: 180 events showed an item"),
    _events("itemListViewEvents", "Item list view events", "view_item_list", example="75: 75 events showed a list"),
    _events("itemListClickEvents", "Item list click events", "select_item", example="85: 85 events chose from a list"),
    _rate(
        "itemListClickThroughRate",
        "Item list click-through rate",
        "Distinct visitors who selected an item in a list as a share of those who viewed one in a list.",
        visitors_with_items("select_item"),
        visitors_with_items("view_item_list"),
        example="0.2: one of five who saw a list chose from it",
    ),
    _rate(
        "itemPromotionClickThroughRate",
        "Item promotion click-through rate",
        "Distinct visitors who selected an item's promotion as a share of those who viewed one.",
        visitors_with_items("select_promotion"),
        visitors_with_items("view_promotion"),
        example="0.1: one of ten who saw a promotion chose it",
    ),
    _rate(
        "cartToViewRate",
        "Cart-to-view rate",
        "Distinct visitors who added an item to the cart as a share of those who viewed an item; by a dimension of"
        " items, the same item.",
        visitors_with_items("add_to_cart"),
        visitors_with_items("view_item"),
        example="0.25: one of four who viewed an item put one into the cart",
    ),
    _rate(
        "purchaseToViewRate",
        "Purchase-to-view rate",
        "Distinct visitors who purchased an item, in a purchase that counts, as a share of those who viewed an item; by"
        " a dimension of items, the same item.",
        PURCHASERS_OF_ITEMS,
        visitors_with_items("view_item"),
        example="0.1: one of ten who viewed an item bought one",
    ),
    money(
        "itemRevenue",
        "Item revenue",
        "Item",
        "The worth of the items of the purchases that count, less that of the items of refund events, in the property's"
        " currency; money without a rate is left out." + _WORTH,
        difference(GROSS, REFUNDS),
        GROSS,
        REFUNDS,
        example="380: items sold for 400, less 20 for items given back",
    ),
    money(
        "grossItemRevenue",
        "Gross item revenue",
        "Item",
        "The worth of the items of the purchases that count, in the property's currency; money without a rate is left"
        " out." + _WORTH,
        pl.col(GROSS.name),
        GROSS,
        example="400: items sold for 400, before refunds",
    ),
    money(
        "itemRefundAmount",
        "Item refund amount",
        "Item",
        "The worth of the items of refund events, in the property's currency; money without a rate is left out."
        + _WORTH,
        pl.col(REFUNDS.name),
        REFUNDS,
        example="20: items worth 20 were given back",
    ),
)
