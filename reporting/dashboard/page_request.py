"""What a page was asked to show, read from its address. What cannot be followed is named on the page, not ignored."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from django.http import QueryDict

from reporting.dashboard.compared_period import Compared, choose_compared
from reporting.dashboard.filter_chips import Chip, filter_of, read_chips
from reporting.dashboard.intervals import choose_interval
from reporting.dashboard.panel_tabs import PANELS, Tab
from reporting.dashboard.period_picker import Choice, choose
from reporting.dashboard.quoting import quoted
from reporting.model.report import Filter
from reporting.registry.dimensions.model import Dimension

TOTALS: Final = (
    "totalUsers",
    "sessions",
    "screenPageViews",
    "engagementRate",
    "averageSessionDuration",
    "keyEvents",
)
CHART_METRICS: Final = ("totalUsers", "screenPageViews")
MOST_LINES: Final = 2
PERIOD: Final = ("period", "from", "to")
COMPARED: Final = ("compare", "compare_from", "compare_to")
KNOWN: Final = frozenset({*PERIOD, *COMPARED, "by", "metric", "f", *(panel.key for panel in PANELS)})


class PageRequest(NamedTuple):
    """`interval` is a key of INTERVALS; `metrics` are those on the chart; `tabs` has the open tab of each panel."""

    choice: Choice
    compared: Compared
    interval: str
    metrics: tuple[str, ...]
    chips: tuple[Chip, ...]
    tabs: Mapping[str, Tab]
    complaints: tuple[str, ...]

    @property
    def filter(self) -> Filter | None:
        return filter_of(self.chips)


def read_page(
    query: QueryDict, now: datetime, begins: date, custom: Mapping[str, Dimension], known: frozenset[str] = KNOWN
) -> PageRequest:
    """Reads a page's address. `now` is in the property's zone; `begins` is the first day that has data."""
    parameters = {name: query.get(name, "") for name in query}
    choice = choose(parameters, now.date(), begins=begins)
    compared = choose_compared(parameters, choice, now.date())
    interval = choose_interval(parameters, choice.period)
    metrics, of_metrics = _metrics(query.getlist("metric"))
    chips, of_chips = read_chips(query.getlist("f"), custom)
    tabs, of_tabs = _tabs(parameters)
    strange = [f"This page knows no {quoted(name)} in its address." for name in query if name not in known]
    said = [choice.complaint, compared.complaint, interval.complaint, *of_metrics, *of_chips, *of_tabs, *strange]
    complaints = tuple(each for each in said if each)
    return PageRequest(choice, compared, interval.name, metrics, chips, tabs, complaints)


def _metrics(names: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    chosen = tuple(dict.fromkeys(name for name in names if name in TOTALS))
    wrong = [f"{quoted(name)} is not a number that the chart can show." for name in names if name not in TOTALS]
    if len(chosen) > MOST_LINES:
        wrong.append(f"The chart shows at most {MOST_LINES} numbers.")
    return chosen[:MOST_LINES] or CHART_METRICS, wrong


def _tabs(parameters: Mapping[str, str]) -> tuple[dict[str, Tab], list[str]]:
    tabs, wrong = {}, []
    for panel in PANELS:
        name = parameters.get(panel.key, "")
        tab = panel.tab(name)
        if name and tab is None:
            wrong.append(f"{panel.title} have no tab {quoted(name)}.")
        tabs[panel.key] = tab or panel.tabs[0]
    return tabs, wrong
