"""The pages of a property, as the rail at the side lists them."""

from typing import Any, Final, NamedTuple

from django.urls import reverse

from configuration.models import may_edit
from configuration.ruleset.context import UNKNOWN_PROPERTY


class Item(NamedTuple):
    """`icon` is the path of a line drawing of 20 by 20; `page` names an address that takes the property's number."""

    key: str
    label: str
    page: str
    icon: str
    for_editors: bool = False
    for_staff: bool = False


ITEMS: Final = (
    Item("overview", "Overview", "dashboard", "M3 14l4-5 4 3 6-8M3 17h14"),
    Item("realtime", "Realtime", "realtime", "M11 2L4 11h5l-1 7 7-9h-5z"),
    Item("visits", "Visits", "visits", "M10 4a3 3 0 100 6 3 3 0 000-6zM4 17c0-3 2.5-5 6-5s6 2 6 5"),
    Item("left-out", "Not counted", "not-counted", "M10 3a7 7 0 100 14 7 7 0 000-14zM5 5l10 10"),
    Item("share", "Share", "shares", "M10 12V3m0 0L6.5 6.5M10 3l3.5 3.5M5 10v7h10v-7", for_editors=True),
    Item("rules", "What counts", "rules-home", "M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4", for_editors=True),
    Item(
        "settings",
        "Settings",
        "admin:configuration_property_change",
        "M10 7a3 3 0 100 6 3 3 0 000-6zM10 2v2m0 12v2M2 10h2m12 0h2"
        "M4.3 4.3l1.5 1.5m8.4 8.4l1.5 1.5m0-11.4l-1.5 1.5m-8.4 8.4l-1.5 1.5",
        for_editors=True,
        for_staff=True,
    ),
)


def rail(user: Any, number: int, here: str) -> list[dict[str, Any]]:
    """Returns the pages of a property that a user may open; `here` is the key of the one that is shown."""
    edits = number != UNKNOWN_PROPERTY and may_edit(user, number)
    return [
        {
            "label": item.label,
            "icon": item.icon,
            "address": reverse(item.page, args=[number]),
            "current": item.key == here,
        }
        for item in ITEMS
        if (edits or not item.for_editors) and (user.is_staff or not item.for_staff)
    ]
