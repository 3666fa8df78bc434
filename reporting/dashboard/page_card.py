"""What the overview adds if it is filtered by one page: its entries and exits, what came before and after."""

from typing import Any, Final

import msgspec
from django.http import QueryDict

from processing.segments.read_view import ReadView
from reporting.dashboard.filter_chips import filter_of
from reporting.dashboard.links import link
from reporting.dashboard.number_format import format_value
from reporting.dashboard.page_request import PageRequest
from reporting.dashboard.panels import readable_path
from reporting.kinds import run_many
from reporting.kinds.paths.report import Node, PathAnswer, PathReport
from reporting.kinds.paths.run import BEGINNING, END, MORE
from reporting.model.now import Now
from reporting.model.report import InListFilter, Report, StringFilter

PAGE: Final = "pagePath"
NEIGHBOURS: Final = 6
ENDS: Final = {BEGINNING: "The visit began here", END: "The visit ended here", MORE: "Other pages"}
FIGURES: Final = {
    "entrances": "Entries",
    "entranceRate": "Entry rate",
    "exits": "Exits",
    "exitRate": "Exit rate",
}


def page_of(asked: PageRequest) -> str | None:
    """Returns the page by which alone the overview is filtered, among other things."""
    pages = [chip for chip in asked.chips if chip.dimension == PAGE and chip.operator == "is"]
    return pages[0].values[0] if len(pages) == 1 and len(pages[0].values) == 1 else None


def page_card(view: ReadView, asked: PageRequest, page: str, now: Now, query: QueryDict) -> dict[str, Any]:
    """Returns the context of _page_card.html. Raises ReportError."""
    days = asked.choice.period.as_range()
    views = StringFilter("eventName", "page_view", case_sensitive=True)
    here = InListFilter(PAGE, (page,), case_sensitive=True)
    forward = PathReport(date_range=days, events=views, point=here, steps=2, limit=NEIGHBOURS)
    figures, after, before = run_many(
        [
            Report(date_ranges=(days,), metrics=tuple(FIGURES), dimension_filter=filter_of(asked.chips)),
            forward,
            msgspec.structs.replace(forward, direction="backward"),
        ],
        view,
        now,
    )
    values = figures.rows[0].metrics if figures.rows else [0.0] * len(FIGURES)
    return {
        "page": readable_path(page),
        "figures": [
            {"label": label, "value": format_value(name, value)}
            for (name, label), value in zip(FIGURES.items(), values, strict=True)
        ],
        "sides": [("Came from", _neighbours(before, query)), ("Went on to", _neighbours(after, query))],
    }


def _neighbours(answer: PathAnswer, query: QueryDict) -> list[dict[str, str]]:
    """The pages one step away, by visits; each leads to its own page."""
    nodes = answer.steps[1].nodes
    most = max((node.sessions for node in nodes), default=0) or 1
    return [_neighbour(node, most, query) for node in nodes]


def _neighbour(node: Node, most: int, query: QueryDict) -> dict[str, str]:
    others = [each for each in query.getlist("f") if not each.startswith(f"{PAGE}:is:")]
    return {
        "text": ENDS.get(node.value) or readable_path(node.value),
        "visits": f"{node.sessions:,}",
        "share": f"{100 * node.sessions / most:.1f}",
        "address": "" if node.value in ENDS else link(query, f=[*others, f"{PAGE}:is:{node.value}"]),
    }
