"""The menus at the top of a page: period, comparison, interval, and the chips of its filters."""

from typing import Any, Final

from django.http import QueryDict

from reporting.dashboard.compared_period import COMPARISONS
from reporting.dashboard.filter_chips import OPERATORS, unique
from reporting.dashboard.intervals import fitting_intervals
from reporting.dashboard.labels import dimension_label
from reporting.dashboard.links import link, others
from reporting.dashboard.page_request import COMPARED, PERIOD, PageRequest
from reporting.dashboard.period_picker import PERIODS
from reporting.registry.dimensions import DIMENSIONS

KEPT: Final = (*PERIOD, "compare")  # parameters that go along to another property
SHORTCUTS: Final = {"today": "D", "yesterday": "E", "7d": "W", "28d": "M", "365d": "Y", "all": "A"}


def menus(asked: PageRequest, query: QueryDict) -> dict[str, Any]:
    """Returns the context of _period_menus.html and _filters.html."""
    fresh = link(query, period="", from_="", to="", by="").removeprefix("?")
    rest = QueryDict(fresh)
    return {
        "periods": [
            {
                "label": label,
                "address": link(rest, period=name),
                "current": name == asked.choice.name,
                "key": SHORTCUTS.get(name, ""),
            }
            for name, label in PERIODS.items()
        ],
        "period_name": PERIODS.get(asked.choice.name, "Chosen days"),
        "period_fields": others(query, *PERIOD, "by"),
        "comparisons": [
            {
                "label": label,
                "address": link(query, compare=name, compare_from="", compare_to=""),
                "current": name == asked.compared.name,
            }
            for name, label in COMPARISONS.items()
        ],
        "compared_name": COMPARISONS.get(asked.compared.name, "Chosen days"),
        "compared_days": asked.compared.period,
        "compared_fields": others(query, *COMPARED),
        "intervals": [
            {"label": label, "address": link(query, by=name), "current": name == asked.interval}
            for name, label in fitting_intervals(asked.choice.period).items()
        ],
        "chips": _chips(asked, query),
        "kept": link(query, **dict.fromkeys(set(query) - set(KEPT), "")).removesuffix("?"),
        "no_chips": link(query, f=""),
        "filter_fields": others(query, "page"),
        "filter_dimensions": _dimensions(),
        "filter_operators": [(name, operator.words) for name, operator in OPERATORS.items()],
    }


def _chips(asked: PageRequest, query: QueryDict) -> list[dict[str, str]]:
    """Each chip with the address of the page without it."""
    return [
        {
            "words": chip.words,
            "without": link(query, f=[each for each in query.getlist("f") if each not in chip.parameters()]),
        }
        for chip in asked.chips
    ]


def _dimensions() -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns the dimensions by category: [("Place", [("country", "Country"), …]), …]."""
    by_category: dict[str, list[tuple[str, str]]] = {}
    for dimension in DIMENSIONS.values():
        if dimension.category != "Time":
            by_category.setdefault(dimension.category, []).append((dimension.name, dimension_label(dimension.name)))
    return list(by_category.items())


def with_added_filter(path: str, query: QueryDict) -> str:
    """Returns the address of the page at `path` with the filter of the form, whose fields are `fd`, `fo` and `fv`."""
    added = ":".join(query.get(name, "") for name in ("fd", "fo", "fv"))
    return path + link(query, f=unique([*query.getlist("f"), added]), fd="", fo="", fv="")
