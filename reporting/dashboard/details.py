"""A panel's table with all of its rows: search, order by any column, pages, and the same as a file."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.http import QueryDict

from configuration.numbers import parse_number
from processing.segments.read_view import ReadView
from reporting.dashboard.as_code import code_of
from reporting.dashboard.labels import dimension_label, metric_label
from reporting.dashboard.links import link
from reporting.dashboard.page_request import PageRequest
from reporting.dashboard.panel_tabs import Panel, Tab
from reporting.dashboard.panels import all_of, as_far, comparable, table_row
from reporting.dashboard.period_picker import ChosenPeriod
from reporting.dashboard.quoting import quoted
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import (
    LARGEST_OFFSET,
    Answer,
    ByDimension,
    ByMetric,
    Filter,
    InListFilter,
    Order,
    Report,
    StringFilter,
)

ROWS: Final = 50
METRICS: Final = (
    "totalUsers",
    "sessions",
    "screenPageViews",
    "engagementRate",
    "averageSessionDuration",
    "eventCount",
    "keyEvents",
)
PARAMETERS: Final = ("q", "sort", "page", "columns")
FILES: Final = {"csv": "CSV", "xlsx": "XLSX", "jsonl": "JSON"}
LONGEST_SEARCH: Final = 200


class Asked(NamedTuple):
    """`sort` is a column, with a minus if the largest come first; `page` counts from 1. `complaints` say what of the
    address could not be followed.
    """

    search: str
    sort: str
    page: int
    metrics: tuple[str, ...]
    complaints: tuple[str, ...] = ()


def read_details(query: QueryDict, tab: Tab) -> Asked:
    """Reads the address. A column or page that does not exist is replaced by the first, which is said."""
    columns = query.getlist("columns")
    wrong = [f"{quoted(name)} is not a column of this table." for name in columns if name not in METRICS]
    metrics = tuple(dict.fromkeys(name for name in columns if name in METRICS))
    metrics = metrics or tuple(dict.fromkeys([*tab.metrics, *METRICS]))[:6]
    sort = query.get("sort", "")
    if sort.removeprefix("-") not in (*metrics, tab.dimension):
        wrong += [f"{quoted(sort)} is not a column to sort by."] if sort else []
        sort = f"-{metrics[0]}"
    number = query.get("page", "")
    page = parse_number(number) or 0
    if number and page < 1:
        wrong.append(f"{quoted(number)} is not a page of this table.")
    search = query.get("q", "")
    if len(search) > LONGEST_SEARCH:
        wrong.append(f"Only the first {LONGEST_SEARCH} characters are searched for.")
    return Asked(search[:LONGEST_SEARCH], sort, max(page, 1), metrics, tuple(wrong))


def report_of(asked: PageRequest, tab: Tab, details: Asked, period: ChosenPeriod, *, limit: int, offset: int) -> Report:
    """Returns the report of the table's rows."""
    name, descending = details.sort.removeprefix("-"), details.sort.startswith("-")
    order: Order = ByDimension(name, descending) if name == tab.dimension else ByMetric(name, descending)
    hidden = tuple(name for name in tab.metrics if tab.where and name not in details.metrics)
    search: Filter | None = StringFilter(tab.dimension, details.search, "CONTAINS") if details.search else None
    return Report(
        date_ranges=(period.as_range(),),
        dimensions=(tab.dimension,),
        metrics=(*details.metrics, *hidden),
        dimension_filter=all_of(asked.filter, tab.only, search),
        metric_filter=tab.where,
        invisible=frozenset(hidden),
        orders=(order,),
        limit=limit,
        offset=offset,
    )


def details_page(
    view: ReadView, asked: PageRequest, panel: Panel, tab: Tab, now: datetime, query: QueryDict, site: str
) -> dict[str, Any]:
    """Returns the context of details.html. `site` is the address of this installation. Raises ReportError."""
    details = read_details(query, tab)
    period = asked.choice.period
    offset = min((details.page - 1) * ROWS, LARGEST_OFFSET)
    answer = run(report_of(asked, tab, details, period, limit=ROWS, offset=offset), view, Now.at(now))
    if answer.row_count and not answer.rows:  # there are fewer pages: the last of them
        details = _last_page(details, answer.row_count)
        offset = (details.page - 1) * ROWS
        answer = run(report_of(asked, tab, details, period, limit=ROWS, offset=offset), view, Now.at(now))
    compared = comparable(view, asked.compared.period)
    earlier = _earlier(view, asked, tab, details, answer, compared, now) if compared else {}
    largest = max((row.metrics[0] for row in answer.rows), default=0) or 1
    shown = tab._replace(metrics=details.metrics)
    overview = QueryDict(link(query, **dict.fromkeys(PARAMETERS, "")).removeprefix("?"))
    return {
        "panel_title": panel.title,
        "tab_title": tab.title,
        "search": details.search,
        "compared": compared is not None,
        "heads": [_head(tab.dimension, dimension_label(tab.dimension), details.sort, query)]
        + [_head(name, metric_label(name).text, details.sort, query) for name in details.metrics],
        "rows": [table_row(shown, row, largest, earlier, compared is not None, overview) for row in answer.rows],
        "overview": f"?{overview.urlencode()}" if overview else "",
        "complaints": (*asked.complaints, *details.complaints),
        "row_count": f"{answer.row_count:,}",
        "first_row": f"{min(offset + 1, answer.row_count):,}",
        "last_row": f"{min(offset + ROWS, answer.row_count):,}",
        "previous": link(query, page=str(details.page - 1)) if details.page > 1 else "",
        "next": link(query, page=str(details.page + 1)) if offset + ROWS < answer.row_count else "",
        "empty": tab.empty,
        "panel_key": panel.key,
        "tab_key": tab.key,
        "files": FILES,
        "code": code_of(report_of(asked, tab, details, period, limit=ROWS, offset=offset), view.property, site),
    }


def _last_page(details: Asked, row_count: int) -> Asked:
    last = (row_count - 1) // ROWS + 1
    wrong = f"There is no page {details.page:,}; this is the last one, {last:,}."
    return details._replace(page=last, complaints=(*details.complaints, wrong))


def _earlier(
    view: ReadView, asked: PageRequest, tab: Tab, details: Asked, answer: Answer, compared: ChosenPeriod, now: datetime
) -> dict[tuple[str, ...], float]:
    """Returns the first metric of the same rows in the compared period."""
    values = tuple(row.dimensions[0] for row in answer.rows)
    report = Report(
        date_ranges=(compared.as_range(),),
        dimensions=(tab.dimension,),
        metrics=details.metrics[:1],
        dimension_filter=all_of(asked.filter, tab.only, InListFilter(tab.dimension, values, case_sensitive=True)),
        limit=ROWS,
    )
    source = as_far(view, compared, asked.choice.period, now)
    rows = run(report, source, Now.at(now)).rows if values else ()
    return {row.dimensions: row.metrics[0] for row in rows}


def _head(name: str, label: str, sort: str, query: QueryDict) -> dict[str, str]:
    """A column's head; it orders by the column, largest first, and the other way round when it does already."""
    order = "descending" if sort == f"-{name}" else "ascending" if sort == name else ""
    return {
        "label": label,
        "order": order,
        "address": link(query, sort=name if order == "descending" else f"-{name}", page=""),
    }
