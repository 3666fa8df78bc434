"""The dashboard's pages. Each page reads one pinned view, so that all of its panels show the same moment."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET

from configuration.models import Property, may_edit
from configuration.pages.property_page import PropertyPage, property_page
from processing.segments.read_view import ReadView
from reporting.answering import answer_as_file
from reporting.clock import now_in
from reporting.dashboard.annotations import Annotation
from reporting.dashboard.details import FILES, PARAMETERS, details_page, read_details, report_of
from reporting.dashboard.home import home_page
from reporting.dashboard.page_menus import menus, with_added_filter
from reporting.dashboard.page_request import KNOWN, PERIOD, PageRequest, read_page
from reporting.dashboard.panel_tabs import PANEL
from reporting.dashboard.panels import panels
from reporting.dashboard.period_picker import PERIODS
from reporting.dashboard.plotly_static import MAP_STYLE, PLOTLY
from reporting.dashboard.realtime import realtime
from reporting.dashboard.rejected_panel import rejected_panel
from reporting.dashboard.rule_annotations import rule_annotations
from reporting.file_formats import FORMATS
from reporting.model.report import LARGEST_LIMIT, ReportError
from reporting.models import Note
from reporting.notes import notes_between
from reporting.read_access import AS_OF, Status, status_of, view_of
from reporting.registry.custom import definitions_of

FORM_FIELDS: Final = ("period", "from", "to")


class PageState(NamedTuple):
    """What a page shows: the pinned view of a property, and what its address asks for. `now` is on the clock of the
    property's zone.
    """

    property: Property
    view: ReadView
    status: Status
    now: datetime
    asked: PageRequest
    annotations: list[Annotation]  # of rules and notes
    changes: list[Annotation]  # of rules
    notes: list[Note]

    def tag(self, request: HttpRequest) -> str:
        """The ETag of the panels: it changes with everything that they show. Where the period is not over, they show
        the minute up to which it is compared.
        """
        compares_until_now = self.status.accepted and self.asked.choice.period.last == self.now.date()
        moment = f"{self.now:%Y%m%d%H%M}" if compares_until_now else f"{self.now:%Y%m%d%H}"
        status = [value for name, value in self.status._asdict().items() if name != "as_of"]
        shown = (self.view.state, status, moment, request.GET.urlencode(), self.view.zone)
        of_property = (self.property.id, self.property.name, self.annotations, _snippet(request, self.property))
        return f'"{blake2b(repr((shown, of_property)).encode(), digest_size=16).hexdigest()}"'


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
        return redirect(with_added_filter(page.request.GET))
    state = _page_state(page)
    return show(
        page,
        "overview",
        "reporting/overview.html",
        state.asked,
        tag=state.tag(page.request),
        plotly=PLOTLY,
        map_style=MAP_STYLE,
        **_panels(page.request, state),
    )


@property_page(may_open=None)
def details(page: PropertyPage, panel: str, tab: str) -> HttpResponse:
    """All rows of a panel's table."""
    found = PANEL[panel].tab(tab) if panel in PANEL else None
    if found is None:
        raise Http404
    if "fd" in page.request.GET:
        return redirect(with_added_filter(page.request.GET))
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
    found = PANEL[panel].tab(tab) if panel in PANEL else None
    if found is None or extension not in FILES:
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
def not_counted(page: PropertyPage) -> HttpResponse:
    """The hits that were received, but are not counted."""
    view = view_of(page.property.pk)
    now = now_in(view.zone)
    asked = read_page(page.request.GET, now, view.begins, {}, frozenset(PERIOD))
    period = asked.choice.period
    rejected = rejected_panel(view, period.first, period.last)
    return show(page, "left-out", "reporting/not_counted.html", asked, rejected=rejected, without_comparison=True)


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
    state = _page_state(page)
    tag = state.tag(page.request)
    response = get_conditional_response(page.request, etag=tag)
    if response is None:
        response = page.show("reporting/_panels.html", **_panels(page.request, state))
        response["ETag"] = tag
    response[AS_OF] = state.status.as_of.isoformat()  # also where nothing changed since the last one
    return response


def _page_state(page: PropertyPage) -> PageState:
    view = view_of(page.property.pk)
    now = now_in(view.zone).replace(second=0, microsecond=0)
    asked = read_page(page.request.GET, now, view.begins, definitions_of(view.rules).dimensions)
    status = status_of(view, page.property.measurement_id)
    status = status._replace(as_of=status.as_of.astimezone(ZoneInfo(view.zone)))
    drawn = rule_annotations(view, asked.choice.period, hourly=asked.interval in ("hour", "minute"))
    notes = list(notes_between(page.property.pk, *asked.choice.period))
    of_notes = [Annotation(note.day.isoformat(), "note", note.text) for note in notes]
    marked = sorted([*drawn, *of_notes])
    return PageState(page.property, view, status, now, asked, marked, drawn, notes)


def _in_words(status: Status) -> dict[str, str]:
    numbers = {name: number for name, number in status._asdict().items() if name not in ("as_of", "reasons")}
    return {name: "an unknown number" if number is None else f"{number:,}" for name, number in numbers.items()}


def _panels(request: HttpRequest, state: PageState) -> dict[str, Any]:
    """Returns the context of _panels.html, besides the property."""
    view, asked = state.view, state.asked
    period = asked.choice.period
    shown = {
        "complaints": asked.complaints,
        "query": request.GET.urlencode(),
        **menus(asked, request.GET),
        "period_label": PERIODS.get(asked.choice.name, "Chosen days"),
        "first": period.first,
        "last": period.last,
        "zone": view.zone,
        "status": _in_words(state.status),
        "notes": state.notes,
        "may_edit": may_edit(request.user, state.property.pk),
        "as_of": state.status.as_of,
    }
    if not state.status.accepted:
        return shown | {"waiting": True, "snippet": _snippet(request, state.property)}
    try:
        return shown | {
            **panels(view, asked, state.now, request.GET, state.annotations),
            "annotations": [change.text for change in state.changes],
        }
    except ReportError as error:  # such as a pattern that cannot be read, or that is too dear
        return shown | {"refused": str(error)}


def _snippet(request: HttpRequest, item: Property) -> str:
    return item.snippet(_site(request))


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")
