"""Dimensions of orders and of the items of an event."""

from typing import Final

from reporting.registry.dimensions.model import Dimension, of_column


def _order(name: str, label: str, definition: str, column: str, *, example: str) -> Dimension:
    return of_column(name, label, "Ecommerce", definition, column, example=example)


def _item(name: str, label: str, what: str, column: str, *, example: str) -> Dimension:
    return of_column(name, label, "Item", f"{what}, as the event gives it.", column, example=example)


COMMERCE: Final = (
    _order("transactionId", "Transaction ID", "The id of the event's order.", "transaction_id", example="T-1042"),
    _order("orderCoupon", "Order coupon", "The coupon of the event's order.", "coupon", example="AUTUMN10"),
    _order(
        "currencyCode",
        "Currency",
        "The currency of the event's money, as three letters; the property's if the event names none, and XXX if it"
        " names something that is no code of a currency. (not set) for events without money.",
        "currency_code",
        example="EUR",
    ),
    _item("itemId", "Item ID", "The id of the item", "item_id", example="SKU-17"),
    _item("itemName", "Item name", "The name of the item", "item_name", example="Tomato seeds"),
    _item("itemBrand", "Item brand", "The brand of the item", "item_brand", example="Green Thumb"),
    _item("itemCategory", "Item category", "The item's first category", "item_category", example="Garden"),
    _item("itemCategory2", "Item category 2", "The item's second category", "item_category2", example="Seeds"),
    _item("itemCategory3", "Item category 3", "The item's third category", "item_category3", example="Vegetables"),
    _item("itemCategory4", "Item category 4", "The item's fourth category", "item_category4", example="Tomatoes"),
    _item("itemCategory5", "Item category 5", "The item's fifth category", "item_category5", example="Cherry tomatoes"),
    _item("itemVariant", "Item variant", "The variant of the item, such as its colour", "item_variant", example="red"),
    _item("itemCoupon", "Item coupon", "The coupon of the item", "item_coupon", example="SEEDS5"),
    _item(
        "itemAffiliation",
        "Item affiliation",
        "The shop or supplier of the item",
        "item_affiliation",
        example="Garden shop Munich",
    ),
    _item("itemListId", "Item list ID", "The id of the list that showed the item", "item_list_id", example="related"),
    _item(
        "itemListName",
        "Item list name",
        "The name of the list that showed the item",
        "item_list_name",
        example="Related products",
    ),
    _item(
        "itemListPosition", "Item list position", "The place of the item in its list", "item_list_position", example="3"
    ),
    _item(
        "itemPromotionId",
        "Item promotion ID",
        "The id of the promotion with the item",
        "item_promotion_id",
        example="P-7",
    ),
    _item(
        "itemPromotionName",
        "Item promotion name",
        "The name of the promotion with the item",
        "item_promotion_name",
        example="Autumn sale",
    ),
    _item(
        "itemPromotionCreativeName",
        "Item promotion creative name",
        "The name of the promotion's picture or text",
        "item_creative_name",
        example="autumn banner",
    ),
    _item(
        "itemPromotionCreativeSlot",
        "Item promotion creative slot",
        "The place of the promotion's picture or text",
        "item_creative_slot",
        example="top",
    ),
    _item(
        "itemLocationID",
        "Item location ID",
        "The place that belongs to the item, such as a store",
        "item_location",
        example="store-12",
    ),
)
