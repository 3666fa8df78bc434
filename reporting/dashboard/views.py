"""The dashboard's pages. Each page reads one pinned view, so that all of its panels show the same moment."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from configuration.models import Property, PropertyQuerySet, may_see, unknown_property
from configuration.numbers import parse_number
from configuration.pages.property_page import PropertyPage, property_page
from processing.segments.read_view import ReadView
from reporting.clock import now_in
from reporting.dashboard.annotations import Annotation
from reporting.dashboard.panels import panels
from reporting.dashboard.period_picker import CUSTOM, PERIODS, Choice, choose
from reporting.dashboard.plotly_static import MAP_STYLE, PLOTLY
from reporting.dashboard.rejected_panel import rejected_panel
from reporting.dashboard.rule_annotations import rule_annotations
from reporting.read_access import AS_OF, Status, status_of, view_of
from reporting.unconverted import unconverted

FORM_FIELDS: Final = ("period", "from", "to")


class PageState(NamedTuple):
    """What a page shows: the pinned view of a property and the chosen days. `now` is in the property's zone."""

    property: Property
    view: ReadView
    status: Status
    now: datetime
    choice: Choice
    annotations: list[Annotation]

    def tag(self, request: HttpRequest) -> str:
        """The ETag of the panels: it changes with everything that they show. Where the period is not over, they show
        the minute up to which it is compared.
        """
        compares_until_now = self.status.accepted and self.choice.period.last == self.now.date()
        moment = f"{self.now:%Y%m%d%H%M}" if compares_until_now else f"{self.now:%Y%m%d%H}"
        status = [value for name, value in self.status._asdict().items() if name != "as_of"]
        shown = (self.view.state, status, moment, self.choice, self.view.zone)
        of_property = (self.property.id, self.property.name, self.annotations, _snippet(request, self.property))
        return f'"{blake2b(repr((shown, of_property)).encode(), digest_size=16).hexdigest()}"'


def _visible(request: HttpRequest) -> PropertyQuerySet:
    """Returns the properties that the user may see, by name."""
    return Property.objects.visible_to(request.user).order_by("name", "id")


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Leads to the first property that the user may see."""
    first = _visible(request).first()
    return redirect("dashboard", first.id) if first else render(request, "reporting/no_properties.html")


@login_required
@require_GET
def chosen(request: HttpRequest) -> HttpResponse:
    """Answers the forms of the header: leads to the chosen property and days."""
    query = {name: request.GET[name] for name in FORM_FIELDS if request.GET.get(name)}
    if query.get("period") == CUSTOM:
        del query["period"]
    elif "period" in query:
        query = {"period": query["period"]}  # the days of the form are those that were shown before
    address = reverse("dashboard", args=[parse_number(request.GET.get("property", "")) or 0])
    return redirect(f"{address}?{urlencode(query)}" if query else address)


@property_page(may_open=None)
def dashboard(page: PropertyPage) -> HttpResponse:
    state = _page_state(page)
    return page.show(
        "reporting/dashboard.html",
        properties=_choices(page),
        periods=PERIODS.items(),
        query=page.request.GET.urlencode(),
        tag=state.tag(page.request),
        plotly=PLOTLY,
        map_style=MAP_STYLE,
        **_panels(page.request, state),
    )


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


def _choices(page: PropertyPage) -> list[Property]:
    """The properties that the user may choose; for administrators also property 0, once it has hits."""
    chosen, unknown = list(_visible(page.request)), unknown_property()
    has_hits = may_see(page.request.user, unknown.pk) and view_of(unknown.pk).counts().accepted
    return [*chosen, unknown] if has_hits or page.property.pk == unknown.pk else chosen


def _page_state(page: PropertyPage) -> PageState:
    view = view_of(page.property.pk)
    now = now_in(view.zone).replace(second=0, microsecond=0)
    choice = choose(page.request.GET, now.date())
    status = status_of(view, page.property.measurement_id)
    status = status._replace(as_of=status.as_of.astimezone(ZoneInfo(view.zone)))
    return PageState(page.property, view, status, now, choice, rule_annotations(view, choice.period))


def _in_words(status: Status) -> dict[str, str]:
    numbers = {name: number for name, number in status._asdict().items() if name not in ("as_of", "reasons")}
    return {name: "an unknown number" if number is None else f"{number:,}" for name, number in numbers.items()}


def _panels(request: HttpRequest, state: PageState) -> dict[str, Any]:
    """Returns the context of _panels.html, besides the property."""
    view, (name, period, complaint) = state.view, state.choice
    waiting = {"waiting": True, "snippet": _snippet(request, state.property)}
    return {
        "period": name,
        "complaint": complaint,
        "period_label": PERIODS.get(name, "Chosen days"),
        "first": period.first,
        "last": period.last,
        "today": state.now.date(),
        "zone": view.zone,
        "rejected": rejected_panel(view, period.first, period.last),
        "status": _in_words(state.status),
        "unconverted": ", ".join(each.currency for each in unconverted(view, period.first, period.last)),
        "as_of": state.status.as_of,
        **(panels(view, period, state.now, state.annotations) if state.status.accepted else waiting),
    }


def _snippet(request: HttpRequest, item: Property) -> str:
    return item.snippet(request.build_absolute_uri("/").rstrip("/"))
