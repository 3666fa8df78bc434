"""The dashboard's pages. Each page reads one pinned view, so that all of its panels show the same moment."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET

from configuration.models import Property, may_edit, may_manage
from configuration.pages.property_page import PropertyPage, property_page
from reporting.answering import answer_as_file
from reporting.clock import now_in
from reporting.dashboard.crawlers import crawlers
from reporting.dashboard.details import FILES, PARAMETERS, details_page, read_details, report_of
from reporting.dashboard.home import home_page
from reporting.dashboard.overview import Overview, overview_of
from reporting.dashboard.page_menus import menus, with_added_filter
from reporting.dashboard.page_request import KNOWN, PERIOD, PageRequest, read_page
from reporting.dashboard.panel_tabs import PANEL, Tab
from reporting.dashboard.plotly_static import MAP_STYLE, PLOTLY
from reporting.dashboard.realtime import realtime
from reporting.dashboard.rejected_panel import rejected_panel
from reporting.dashboard.visits import visitor_page, visits_page
from reporting.file_formats import FORMATS
from reporting.model.now import Now
from reporting.model.report import LARGEST_LIMIT, ReportError
from reporting.read_access import AS_OF, view_of
from reporting.registry.custom import definitions_of


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Shows all properties; leads to the property of those who may see one only."""
    properties = list(Property.objects.visible_to(request.user).order_by("tag", "name", "id"))
    if not properties:
        return render(request, "reporting/no_properties.html")
    if len(properties) == 1:
        return redirect("dashboard", properties[0].pk)
    return render(request, "reporting/home.html", home_page(properties, request.GET))


@property_page(may_open=None)
def dashboard(page: PropertyPage) -> HttpResponse:
    if "fd" in page.request.GET:
        return redirect(with_added_filter(page.request.path, page.request.GET))
    state = _overview(page)
    return show(
        page,
        "overview",
        "reporting/overview.html",
        state.asked,
        tag=state.tag(),
        plotly=PLOTLY,
        map_style=MAP_STYLE,
        **state.context(may_edit=_may_edit(page)),
    )


@property_page(may_open=None)
def details(page: PropertyPage, panel: str, tab: str) -> HttpResponse:
    """All rows of a panel's table."""
    found = _tab(panel, tab)
    if "fd" in page.request.GET:
        return redirect(with_added_filter(page.request.path, page.request.GET))
    view = view_of(page.property.pk)
    now = now_in(view.zone).replace(second=0, microsecond=0)
    custom = definitions_of(view.rules).dimensions
    asked = read_page(page.request.GET, now, view.begins, custom, KNOWN | {*PARAMETERS})
    try:
        rows = details_page(view, asked, PANEL[panel], found, now, page.request.GET, _site(page.request))
    except ReportError as error:  # such as a pattern that cannot be read, or that is too dear
        rows = {"refused": str(error)}
    return show(page, "overview", "reporting/details.html", asked, **rows)


@property_page(may_open=None)
def details_file(page: PropertyPage, panel: str, tab: str, extension: str) -> HttpResponse:
    """All rows of a panel's table as a file, as they are searched and ordered on the page."""
    found = _tab(panel, tab)
    if extension not in FILES:
        raise Http404
    view = view_of(page.property.pk)
    custom = definitions_of(view.rules).dimensions
    asked = read_page(page.request.GET, now_in(view.zone), view.begins, custom, KNOWN | {*PARAMETERS})
    rows = read_details(page.request.GET, found)
    report = report_of(asked, found, rows, asked.choice.period, limit=LARGEST_LIMIT, offset=0)
    try:
        return answer_as_file(report, page.property.pk, FORMATS[extension])
    except ReportError:  # the page says what is wrong
        address = reverse("details", args=[page.property.pk, panel, tab])
        return redirect(f"{address}?{page.request.GET.urlencode()}")


def _tab(panel: str, name: str) -> Tab:
    """Raises Http404 if the panel or its tab does not exist."""
    found = PANEL[panel].tab(name) if panel in PANEL else None
    if found is None:
        raise Http404
    return found


@property_page(may_open=None)
def realtime_page(page: PropertyPage) -> HttpResponse:
    return page.show("reporting/realtime.html", here="realtime", **_realtime(page))


@property_page(may_open=None)
def realtime_panels(page: PropertyPage) -> HttpResponse:
    """The page of the last 30 minutes as a fragment."""
    return page.show("reporting/_realtime.html", **_realtime(page))


def _realtime(page: PropertyPage) -> dict[str, Any]:
    view = view_of(page.property.pk)
    return realtime(view, now_in(view.zone))


@property_page(may_open=None)
def visits(page: PropertyPage) -> HttpResponse:
    """The visits one by one, the latest first."""
    if "fd" in page.request.GET:
        return redirect(with_added_filter(page.request.path, page.request.GET))
    view = view_of(page.property.pk)
    now = now_in(view.zone)
    custom = definitions_of(view.rules).dimensions
    asked = read_page(page.request.GET, now, view.begins, custom, frozenset({*PERIOD, "f", "page"}))
    try:
        rows = visits_page(view, asked, page.request.GET)
    except ReportError as error:
        rows = {"refused": str(error)}
    return show(page, "visits", "reporting/visits.html", asked, without_comparison=True, **rows)


@property_page(may_open=None)
def visitor(page: PropertyPage, key: str) -> HttpResponse:
    """What one visitor did."""
    view = view_of(page.property.pk)
    try:
        context = visitor_page(view, key)
    except ReportError as error:
        raise Http404 from error
    may_erase = may_manage(page.request.user, page.property.pk, "change") and page.is_staff()
    return page.show("reporting/visitor.html", here="visits", may_manage=may_erase, **context)


@property_page(may_open=None)
def not_counted(page: PropertyPage) -> HttpResponse:
    """The hits that were received, but are not counted."""
    view = view_of(page.property.pk)
    now = now_in(view.zone)
    asked = read_page(page.request.GET, now, view.begins, {}, frozenset(PERIOD))
    period = asked.choice.period
    rejected = rejected_panel(view, period.first, period.last)
    tables = crawlers(view, period.as_range(), Now.at(now))
    context = {"rejected": rejected, "tables": tables, "without_comparison": True}
    return show(page, "left-out", "reporting/not_counted.html", asked, **context)


def show(page: PropertyPage, here: str, template: str, asked: PageRequest, **context: Any) -> HttpResponse:
    """Shows a page of a property in the frame: with the rail, the menus and the chips of its filters."""
    period = asked.choice.period
    frame = {
        "here": here,
        "today": now_in(timezone.get_current_timezone_name()).date(),
        "first": period.first,
        "last": period.last,
        "complaints": asked.complaints,
        "query": page.request.GET.urlencode(),
        **menus(asked, page.request.GET),
    }
    return page.show(template, **(frame | context))


@property_page(may_open=None)
def panels_only(page: PropertyPage) -> HttpResponse:
    """The panels as a fragment; 304, without running any report, if nothing has changed since the ETag."""
    state = _overview(page)
    tag = state.tag()
    response = get_conditional_response(page.request, etag=tag)
    if response is None:
        response = page.show("reporting/_panels.html", **state.context(may_edit=_may_edit(page)))
        response["ETag"] = tag
    response[AS_OF] = state.status.as_of.isoformat()  # also where nothing changed since the last one
    return response


def _overview(page: PropertyPage) -> Overview:
    return overview_of(page.property, page.request.GET, _site(page.request))


def _may_edit(page: PropertyPage) -> bool:
    return may_edit(page.request.user, page.property.pk)


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")
