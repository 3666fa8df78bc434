"""Metrics of orders: how many there are, and their money in the property's currency."""

from typing import Final

import polars as pl

from processing.pipeline.custom_values import LARGEST, MILLIONTHS
from reporting.model.expressions import ratio
from reporting.registry.measures import (
    ACTIVE_VISITORS,
    PAID_PURCHASES,
    PURCHASERS,
    PURCHASES,
    Distinct,
    Measure,
    Sum,
    events_named,
    of_purchases,
    of_refunds,
)
from reporting.registry.metrics.model import Metric, count, rate

GROSS: Final = of_purchases("order_value")
REFUNDS: Final = of_refunds("order_value")
TAX: Final = of_purchases("order_tax")
SHIPPING: Final = of_purchases("order_shipping")
UNCONVERTED: Final = of_purchases("unconverted_value")
UNCONVERTED_REFUNDS: Final = of_refunds("unconverted_value")


def difference(gross: Sum, refunds: Sum) -> pl.Expr:
    """Returns gross - refunds, cut off at what 64 bits hold, as the sums are."""
    exact = pl.col(gross.name).cast(pl.Int128) - pl.col(refunds.name)
    return exact.clip(-LARGEST, LARGEST).cast(pl.Int64)


_NET: Final = difference(GROSS, REFUNDS)
_COUNTS: Final = (
    " An order with a transaction id counts once in the property, where it was first seen: by the earliest time, then"
    " by the smallest hit id."
)
_MONEY: Final = " Money is converted into the property's currency; what has no rate is in unconvertedRevenue instead."


def money(
    name: str, label: str, category: str, definition: str, value: pl.Expr, *measures: Sum, example: str
) -> Metric:
    """Returns the metric of a sum of millionths; `value` is in the names of the measures."""
    return Metric(name, label, "CURRENCY", category, definition, example, measures, ratio(value, MILLIONTHS))


def _average(name: str, label: str, definition: str, whole: Measure, expression: str, *, example: str) -> Metric:
    value = ratio(ratio(_NET, MILLIONTHS), pl.col(whole.name))
    measures = (GROSS, REFUNDS, whole)
    return Metric(name, label, "CURRENCY", "Ecommerce", definition, example, measures, value, expression)


def _purchasers(category: str, measure: Distinct) -> Metric:
    definition = "Distinct visitors with a purchase event in the row that counts." + _COUNTS
    return count(
        name="totalPurchasers",
        label="Total purchasers",
        category=category,
        definition=definition,
        example="8: eight visitors bought something",
        measure=measure,
    )


COMMERCE_METRICS: Final = (
    count(
        name="addToCarts",
        label="Add to carts",
        category="Event",
        definition="The number of add_to_cart events.",
        measure=events_named("add_to_cart"),
        example="25: something was put into a cart 25 times",
    ),
    count(
        name="checkouts",
        label="Checkouts",
        category="Event",
        definition="The number of begin_checkout events.",
        measure=events_named("begin_checkout"),
        example="15: fifteen checkouts were begun",
    ),
    count(
        name="ecommercePurchases",
        label="Ecommerce purchases",
        category="Ecommerce",
        definition="The number of purchase events that count; one without a transaction id always does." + _COUNTS,
        measure=PURCHASES,
        example="11: eleven purchases, one of them for nothing",
    ),
    count(
        name="transactions",
        label="Transactions",
        category="Ecommerce",
        definition="The number of purchase events that count and are worth more than 0." + _COUNTS,
        measure=PAID_PURCHASES,
        example="10: ten purchases that cost something",
    ),
    _purchasers("User", PURCHASERS),
    rate(
        "purchaserRate",
        "Purchaser rate",
        "User",
        "Total purchasers as a share of active users.",
        PURCHASERS,
        ACTIVE_VISITORS,
        "totalPurchasers / activeUsers",
        example="0.1: one of ten active users bought something",
    ),
    rate(
        "transactionsPerPurchaser",
        "Transactions per purchaser",
        "Ecommerce",
        "Transactions divided by total purchasers.",
        PAID_PURCHASES,
        PURCHASERS,
        "transactions / totalPurchasers",
        example="1.25: ten transactions of eight purchasers",
    ),
    money(
        "totalRevenue",
        "Total revenue",
        "Ecommerce",
        "The worth of the purchases that count, less that of refund events. There is no other source of revenue, such"
        " as advertisements, so that it equals purchaseRevenue." + _MONEY,
        _NET,
        GROSS,
        REFUNDS,
        example="420: purchases of 440, less refunds of 20",
    ),
    money(
        "purchaseRevenue",
        "Purchase revenue",
        "Ecommerce",
        "The worth of the purchases that count, less that of refund events. An event is worth the parameter value;"
        " without one, the prices of its items times their quantities." + _COUNTS + _MONEY,
        _NET,
        GROSS,
        REFUNDS,
        example="420: purchases of 440, less refunds of 20",
    ),
    money(
        "grossPurchaseRevenue",
        "Gross purchase revenue",
        "Ecommerce",
        "The worth of the purchases that count: the parameter value; without one, the prices of the items times their"
        " quantities." + _COUNTS + _MONEY,
        pl.col(GROSS.name),
        GROSS,
        example="440: purchases of 440, before refunds",
    ),
    money(
        "refundAmount",
        "Refund amount",
        "Ecommerce",
        "The worth of refund events: the parameter value; without one, the prices of the items times their quantities."
        " Every refund event counts, as an order may be refunded in parts." + _MONEY,
        pl.col(REFUNDS.name),
        REFUNDS,
        example="20: refunds of 20 in all",
    ),
    money(
        "taxAmount",
        "Tax amount",
        "Ecommerce",
        "The tax of the purchases that count." + _MONEY,
        pl.col(TAX.name),
        TAX,
        example="71.93: a tax of 71.93 on all purchases",
    ),
    money(
        "shippingAmount",
        "Shipping amount",
        "Ecommerce",
        "The shipping costs of the purchases that count." + _MONEY,
        pl.col(SHIPPING.name),
        SHIPPING,
        example="39.6: shipping cost 39.60 in all",
    ),
    _average(
        "averagePurchaseRevenue",
        "Average purchase revenue",
        "Purchase revenue divided by transactions.",
        PAID_PURCHASES,
        "purchaseRevenue / transactions",
        example="42: ten transactions brought 420",
    ),
    _average(
        "averagePurchaseRevenuePerUser",
        "Average purchase revenue per user",
        "Purchase revenue divided by active users.",
        ACTIVE_VISITORS,
        "purchaseRevenue / activeUsers",
        example="5.25: eighty active users brought 420",
    ),
    _average(
        "averageRevenuePerUser",
        "Average revenue per user (ARPU)",
        "Total revenue divided by active users.",
        ACTIVE_VISITORS,
        "totalRevenue / activeUsers",
        example="5.25: eighty active users brought 420",
    ),
    _average(
        "averagePurchaseRevenuePerPayingUser",
        "Average purchase revenue per paying user (ARPPU)",
        "Purchase revenue divided by total purchasers.",
        PURCHASERS,
        "purchaseRevenue / totalPurchasers",
        example="52.5: eight purchasers brought 420",
    ),
    money(
        "unconvertedRevenue",
        "Unconverted revenue",
        "Ecommerce",
        "Purchase revenue in currencies that have no rate on the event's day, nor on one of the 7 days before it. Each"
        " amount is in its own currency, so that the report must have the dimension currencyCode.",
        difference(UNCONVERTED, UNCONVERTED_REFUNDS),
        UNCONVERTED,
        UNCONVERTED_REFUNDS,
        example="1500: 1,500 yen, in the row of JPY, without a rate",
    ),
)
