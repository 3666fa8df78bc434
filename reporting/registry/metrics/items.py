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


def _units(name: str, label: str, event: str) -> Metric:
    definition = f"The units of the items of {event} events; an item without a quantity is one unit."
    return count(name=name, label=label, category="Item", definition=definition, measure=units(event))


def _events(name: str, label: str, event: str) -> Metric:
    definition = f"The number of {event} events that name an item."
    return count(name=name, label=label, category="Item", definition=definition, measure=events_with_items(event))


def _rate(name: str, label: str, definition: str, part: Measure, whole: Measure) -> Metric:
    return rate(name, label, "Item", definition, part, whole)


ITEM_METRICS: Final = (
    _units("itemsViewed", "Items viewed", "view_item"),
    _units("itemsViewedInList", "Items viewed in list", "view_item_list"),
    _units("itemsClickedInList", "Items clicked in list", "select_item"),
    _units("itemsViewedInPromotion", "Items viewed in promotion", "view_promotion"),
    _units("itemsClickedInPromotion", "Items clicked in promotion", "select_promotion"),
    _units("itemsAddedToCart", "Items added to cart", "add_to_cart"),
    _units("itemsCheckedOut", "Items checked out", "begin_checkout"),
    count(
        name="itemsPurchased",
        label="Items purchased",
        category="Item",
        definition="The units of the items of purchase events that count, see ecommercePurchases; an item without a"
        " quantity is one unit.",
        measure=PURCHASED_UNITS,
    ),
    _events("itemViewEvents", "Item view events", "view_item"),
    _events("itemListViewEvents", "Item list view events", "view_item_list"),
    _events("itemListClickEvents", "Item list click events", "select_item"),
    _rate(
        "itemListClickThroughRate",
        "Item list click-through rate",
        "Distinct visitors who selected an item in a list as a share of those who viewed one in a list.",
        visitors_with_items("select_item"),
        visitors_with_items("view_item_list"),
    ),
    _rate(
        "itemPromotionClickThroughRate",
        "Item promotion click-through rate",
        "Distinct visitors who selected an item's promotion as a share of those who viewed one.",
        visitors_with_items("select_promotion"),
        visitors_with_items("view_promotion"),
    ),
    _rate(
        "cartToViewRate",
        "Cart-to-view rate",
        "Distinct visitors who added an item to the cart as a share of those who viewed an item; by a dimension of"
        " items, the same item.",
        visitors_with_items("add_to_cart"),
        visitors_with_items("view_item"),
    ),
    _rate(
        "purchaseToViewRate",
        "Purchase-to-view rate",
        "Distinct visitors who purchased an item, in a purchase that counts, as a share of those who viewed an item; by"
        " a dimension of items, the same item.",
        PURCHASERS_OF_ITEMS,
        visitors_with_items("view_item"),
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
    ),
    money(
        "grossItemRevenue",
        "Gross item revenue",
        "Item",
        "The worth of the items of the purchases that count, in the property's currency; money without a rate is left"
        " out." + _WORTH,
        pl.col(GROSS.name),
        GROSS,
    ),
    money(
        "itemRefundAmount",
        "Item refund amount",
        "Item",
        "The worth of the items of refund events, in the property's currency; money without a rate is left out."
        + _WORTH,
        pl.col(REFUNDS.name),
        REFUNDS,
    ),
)
