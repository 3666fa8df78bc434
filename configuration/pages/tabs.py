"""The tabs of a property's rules pages. Layers above add theirs when their app is ready: `TABS.append(Tab(…))`."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from django.urls import reverse


class Tab(NamedTuple):
    """`page` names an address that takes the property's number."""

    label: str
    page: str


TABS: Final[list[Tab]] = [Tab("Rules", "rules"), Tab("Versions", "rules-versions"), Tab("Audit log", "rules-audit")]


def tabs_of(number: int, current: str, tabs: Sequence[Tab] = TABS) -> list[dict[str, Any]]:
    """For the templates of pages on rules."""
    return [
        {"label": tab.label, "address": reverse(tab.page, args=[number]), "current": tab.page == current}
        for tab in tabs
    ]
