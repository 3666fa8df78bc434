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
from reporting.dashboard.quoting import quoted
from reporting.dashboard.summaries import LINE_DAYS, Summary, summaries

SORTS: Final = {"name": "Name", "visitors": "Visitors", "growth": "Growth", "online": "Online now"}
PAGE: Final = 60
BUDGET_S: Final = 0.3
LONGEST_SEARCH: Final = 100
KNOWN: Final = frozenset({"q", "tag", "sort", "page"})


def home_page(properties: Sequence[Property], query: QueryDict) -> dict[str, Any]:
    """Returns the context of home.html. Numbers that are not ready in time follow: the page asks again."""
    search, tag = query.get("q", "")[:LONGEST_SEARCH].strip(), query.get("tag", "")
    sort = query.get("sort", "") if query.get("sort") in SORTS else "name"
    tags = sorted({item.tag for item in properties if item.tag})
    complaints = _complaints(query, tags)
    tag = tag if tag in tags else ""
    found = [
        item
        for item in properties
        if search.casefold() in f"{item.name}\n{item.domains}".casefold() and tag in ("", item.tag)
    ]
    pages = max((len(found) - 1) // PAGE + 1, 1)
    asked_page = max(parse_number(query.get("page", "")) or 1, 1)
    page = min(asked_page, pages)
    complaints += [f"There is no page {asked_page:,}; this is the last one, {pages:,}."] if asked_page > pages else []
    by_name = sort == "name"
    shown = found[(page - 1) * PAGE : page * PAGE] if by_name else found
    numbers = summaries((item.pk for item in shown), BUDGET_S)
    if not by_name:
        found = sorted(found, key=lambda item: _rank(numbers.get(item.pk), sort))
        shown = found[(page - 1) * PAGE : page * PAGE]
    readable = [summary for summary in numbers.values() if summary]
    return {
        "complaints": complaints,
        "search": search,
        "tag": tag,
        **_choices(query, tags, tag, sort),
        "groups": [
            {"tag": group, "cards": [_card(item, numbers) for item in items]}
            for group, items in groupby(shown, lambda item: item.tag if by_name and not tag else "")
        ],
        "count": len(found),
        "sum": _sum(readable),
        "summed": len(readable),
        "missing": sum(item.pk not in numbers for item in shown),
        "previous": link(query, page=str(page - 1)) if page > 1 else "",
        "next": link(query, page=str(page + 1)) if page * PAGE < len(found) else "",
    }


def _choices(query: QueryDict, tags: Sequence[str], tag: str, sort: str) -> dict[str, Any]:
    """The links to one tag, to all of them, and to each order."""
    return {
        "tags": [{"name": each, "address": link(query, tag=each, page=""), "current": each == tag} for each in tags],
        "every_tag": link(query, tag="", page=""),
        "sorts": [
            {"label": label, "address": link(query, sort=name, page=""), "current": name == sort}
            for name, label in SORTS.items()
        ],
    }


def _complaints(query: QueryDict, tags: Sequence[str]) -> list[str]:
    """Says what of the address cannot be followed."""
    search, sort, tag, page = (query.get(name, "") for name in ("q", "sort", "tag", "page"))
    return [
        *([f"{quoted(sort)} is not an order of properties."] if sort and sort not in SORTS else []),
        *([f"No property has the tag {quoted(tag)}."] if tag and tag not in tags else []),
        *([f"{quoted(page)} is not a page of this list."] if page and not parse_number(page) else []),
        *([f"Only the first {LONGEST_SEARCH} characters are searched for."] if len(search) > LONGEST_SEARCH else []),
        *(f"This page knows no {quoted(name)} in its address." for name in query if name not in KNOWN),
    ]


def _rank(summary: Summary | None, sort: str) -> tuple[bool, float]:
    """Largest first; those without numbers last."""
    if summary is None:
        return True, 0.0
    growth = (summary.visitors - summary.before) / summary.before if summary.before else float(summary.visitors > 0)
    return False, -{"visitors": summary.visitors, "growth": growth, "online": summary.online}[sort]


def _card(item: Property, numbers: Mapping[int, Summary | None]) -> dict[str, Any]:
    summary = numbers.get(item.pk)
    card: dict[str, Any] = {
        "name": item.name,
        "address": reverse("dashboard", args=[item.pk]),
        "ready": summary is not None,
        "unreadable": summary is None and item.pk in numbers,
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


def _sum(summaries: Sequence[Summary]) -> dict[str, str]:
    """Sums over properties. A person who visits two of them is a visitor of each."""
    total = {name: sum(getattr(each, name) for each in summaries) for name in ("visitors", "views", "today", "online")}
    return {name: f"{value:,}" for name, value in total.items()}
