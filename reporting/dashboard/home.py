"""The home page: all properties of a user, with search, order, groups, and sums over those that are shown."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from django.http import QueryDict
from django.urls import reverse

from configuration.models import Property
from configuration.numbers import parse_number
from reporting.dashboard.links import link
from reporting.dashboard.number_format import change
from reporting.dashboard.summaries import LINE_DAYS, Summary, summaries

SORTS: Final = {"name": "Name", "visitors": "Visitors", "growth": "Growth", "online": "Online now"}
PAGE: Final = 60
BUDGET_S: Final = 0.3
LONGEST_SEARCH: Final = 100


def home_page(properties: Sequence[Property], query: QueryDict) -> dict[str, Any]:
    """Returns the context of home.html. Numbers that are not ready in time follow: the page asks again."""
    search, tag = query.get("q", "")[:LONGEST_SEARCH].strip(), query.get("tag", "")
    sort = query.get("sort", "") if query.get("sort") in SORTS else "name"
    tags = sorted({item.tag for item in properties if item.tag})
    found = [
        item
        for item in properties
        if search.casefold() in f"{item.name}\n{item.domains}".casefold() and tag in ("", item.tag)
    ]
    page = max(parse_number(query.get("page", "")) or 1, 1)
    by_name = sort == "name"
    shown = found[(page - 1) * PAGE : page * PAGE] if by_name else found
    numbers = summaries((item.pk for item in shown), BUDGET_S)
    if not by_name:
        found = sorted(found, key=lambda item: _rank(numbers.get(item.pk), sort))
        shown = found[(page - 1) * PAGE : page * PAGE]
    return {
        "search": search,
        "tag": tag,
        "tags": [{"name": each, "address": link(query, tag=each, page=""), "current": each == tag} for each in tags],
        "every_tag": link(query, tag="", page=""),
        "sorts": [
            {"label": label, "address": link(query, sort=name, page=""), "current": name == sort}
            for name, label in SORTS.items()
        ],
        "groups": [
            {"tag": group, "cards": [_card(item, numbers.get(item.pk)) for item in items]}
            for group, items in groupby(shown, lambda item: item.tag if by_name and not tag else "")
        ],
        "count": len(found),
        "sum": _sum(numbers),
        "summed": len(numbers),
        "missing": sum(item.pk not in numbers for item in shown),
        "previous": link(query, page=str(page - 1)) if page > 1 else "",
        "next": link(query, page=str(page + 1)) if page * PAGE < len(found) else "",
    }


def _rank(summary: Summary | None, sort: str) -> tuple[bool, float]:
    """Largest first; those without numbers last."""
    if summary is None:
        return True, 0.0
    growth = (summary.visitors - summary.before) / summary.before if summary.before else float(summary.visitors > 0)
    return False, -{"visitors": summary.visitors, "growth": growth, "online": summary.online}[sort]


def _card(item: Property, summary: Summary | None) -> dict[str, Any]:
    card: dict[str, Any] = {
        "name": item.name,
        "address": reverse("dashboard", args=[item.pk]),
        "ready": summary is not None,
    }
    if summary is None:
        return card
    words, direction = change("totalUsers", summary.visitors, summary.before)
    return card | {
        "visitors": f"{summary.visitors:,}",
        "views": f"{summary.views:,}",
        "today": f"{summary.today:,}",
        "online": summary.online,
        "change": words,
        "direction": direction,
        "line": _line(summary.line),
    }


def _line(values: Sequence[int]) -> str:
    """The points of a small line, 100 by 30; the top is the largest value."""
    most = max(values) or 1
    step = 100 / (LINE_DAYS - 1)
    return " ".join(f"{number * step:.1f},{29 - 28 * value / most:.1f}" for number, value in enumerate(values))


def _sum(numbers: Mapping[int, Summary]) -> dict[str, str]:
    """Sums over properties. A person who visits two of them is a visitor of each."""
    total = {
        name: sum(getattr(each, name) for each in numbers.values()) for name in ("visitors", "views", "today", "online")
    }
    return {name: f"{value:,}" for name, value in total.items()}
