"""The tabs of the pages of a property's rules. Layers above add theirs when their app is ready."""

from typing import Any, Final, NamedTuple

from django.urls import reverse


class Tab(NamedTuple):
    """`page` names an address that takes the property's number. `in_admin`: only staff may open it."""

    label: str
    page: str
    in_admin: bool = False


TABS: Final[list[Tab]] = [
    Tab("Rules", "rules", in_admin=True),
    Tab("Versions", "rules-versions", in_admin=True),
    Tab("Audit log", "rules-audit", in_admin=True),
]


def tabs_of(property_id: int, current: str, *, with_admin: bool) -> list[dict[str, Any]]:
    """Returns the tabs as the templates show them; those of the admin only `with_admin`."""
    return [
        {"label": tab.label, "address": reverse(tab.page, args=[property_id]), "current": tab.page == current}
        for tab in TABS
        if with_admin or not tab.in_admin
    ]
