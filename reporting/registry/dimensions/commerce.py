"""Dimensions of orders and of the items of an event."""

from typing import Final

from reporting.registry.dimensions.model import Dimension, of_column


def _order(name: str, label: str, definition: str, column: str) -> Dimension:
    return of_column(name, label, "Ecommerce", definition, column)


def _item(name: str, label: str, what: str, column: str) -> Dimension:
    return of_column(name, label, "Item", f"{what}, as the event gives it.", column)


COMMERCE: Final = (
    _order("transactionId", "Transaction ID", "The id of the event's order.", "transaction_id"),
    _order("orderCoupon", "Order coupon", "The coupon of the event's order.", "coupon"),
    _order(
        "currencyCode",
        "Currency",
        "The currency of the event's money, as three letters; the property's if the event names none, and XXX if it"
        " names something that is no code of a currency. (not set) for events without money.",
        "currency_code",
    ),
    _item("itemId", "Item ID", "The id of the item", "item_id"),
    _item("itemName", "Item name", "The name of the item", "item_name"),
    _item("itemBrand", "Item brand", "The brand of the item", "item_brand"),
    _item("itemCategory", "Item category", "The item's first category", "item_category"),
    _item("itemCategory2", "Item category 2", "The item's second category", "item_category2"),
    _item("itemCategory3", "Item category 3", "The item's third category", "item_category3"),
    _item("itemCategory4", "Item category 4", "The item's fourth category", "item_category4"),
    _item("itemCategory5", "Item category 5", "The item's fifth category", "item_category5"),
    _item("itemVariant", "Item variant", "The variant of the item, such as its colour", "item_variant"),
    _item("itemCoupon", "Item coupon", "The coupon of the item", "item_coupon"),
    _item("itemAffiliation", "Item affiliation", "The shop or supplier of the item", "item_affiliation"),
    _item("itemListId", "Item list ID", "The id of the list that showed the item", "item_list_id"),
    _item("itemListName", "Item list name", "The name of the list that showed the item", "item_list_name"),
    _item("itemListPosition", "Item list position", "The place of the item in its list", "item_list_position"),
    _item("itemPromotionId", "Item promotion ID", "The id of the promotion with the item", "item_promotion_id"),
    _item("itemPromotionName", "Item promotion name", "The name of the promotion with the item", "item_promotion_name"),
    _item(
        "itemPromotionCreativeName",
        "Item promotion creative name",
        "The name of the promotion's picture or text",
        "item_creative_name",
    ),
    _item(
        "itemPromotionCreativeSlot",
        "Item promotion creative slot",
        "The place of the promotion's picture or text",
        "item_creative_slot",
    ),
    _item("itemLocationID", "Item location ID", "The place that belongs to the item, such as a store", "item_location"),
)
