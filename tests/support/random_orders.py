"""Random orders and items of events, as parameters of a hit, and what the oracle must make of them."""

from typing import Any, Final

from hypothesis import strategies as st

AMOUNTS: Final = ("", "", "0", "19.99", "5", "0.3", "120", "7.000001", "-3", "x", "nan", "1e300")
ORDER: Final = {
    "ep.transaction_id": ("", "T1", "T2", "T 3"),
    "epn.value": AMOUNTS,
    "epn.tax": AMOUNTS,
    "epn.shipping": AMOUNTS,
    "ep.coupon": ("", "may"),
    "cu": ("", "", "usd", "EUR", "GBP", "euros"),
}
ORDER_NAMES: Final = {name: "currency" if name == "cu" else name.partition(".")[2] for name in ORDER}
ITEM: Final = {
    "id": ("", "S1", "S2"), "nm": ("Socks", "Café & bar", "A~pr7~~"), "br": ("", "Wool"), "ca": ("", "Feet"),
    "c2": ("", "Warm"), "c3": ("", "a"), "c4": ("", "a"), "c5": ("", "a"),
    "va": ("", "red", "blue"), "cp": ("", "may"), "af": ("", "Shop"),
    "li": ("", "L1"), "ln": ("", "List"), "lp": ("", "1", "2"), "pi": ("", "P1"), "pn": ("", "May"), "cn": ("", "big"),
    "cs": ("", "top"), "lo": ("", "Paris"), "pr": AMOUNTS, "qt": ("", "", "2", "0", "-1", "2.6", "x", "nan", "9999999"),
}  # fmt: skip
MOST: Final = 3
SHOPPING: Final = ("purchase", "purchase", "refund", "view_item", "add_to_cart")


@st.composite
def orders(draw: st.DrawFn) -> dict[str, str]:
    """Parameters of an event: of its order, and of its items."""
    order = {name: draw(st.sampled_from(texts)) for name, texts in ORDER.items()}
    item = st.fixed_dictionaries({key: st.sampled_from(texts) for key, texts in ITEM.items()})
    items = draw(st.lists(item, max_size=MOST))
    written = {
        f"pr{number}": "~".join(f"{key}{text.replace('~', '~~')}" for key, text in item.items() if text)
        for number, item in enumerate(items, 1)
    }
    return {name: text for name, text in {**order, **written}.items() if text}


def meant(sent: dict[str, str]) -> dict[str, Any]:
    """Returns `order` and `items` of a fact, see oracle_commerce.py."""
    order = {ORDER_NAMES[name]: sent[name] for name in ORDER if name in sent}
    if "ep.value" in sent:
        order["value"] = sent["ep.value"]
    return {
        "order": order,
        "items": [_item(sent[f"pr{number}"]) for number in range(1, MOST + 1) if f"pr{number}" in sent],
    }


def _item(text: str) -> dict[str, str]:
    """Reads a text from its left: two signs `~` are one, and a single one ends a field."""
    fields = [field.replace("\0", "~") for field in text.replace("~~", "\0").split("~")]
    return {field[:2]: field[2:] for field in fields}
