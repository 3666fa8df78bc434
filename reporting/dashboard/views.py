"""The dashboard's pages. One pinned view for each page, so that all panels speak of the same moment."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from hashlib import blake2b
from logging import getLogger
from typing import Any, Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_GET

from collection.log import LogError
from configuration.models import Property
from processing.segments.manifest import UnreadableManifest
from processing.segments.read_view import ReadView
from processing.store.port import CorruptBlob, Missing, StoreUnavailable
from reporting.clock import now_in
from reporting.dashboard.annotations import Annotation
from reporting.dashboard.panels import panels
from reporting.dashboard.period_picker import CUSTOM, PERIODS, Choice, choose
from reporting.dashboard.plotly_static import MAP_STYLE, PLOTLY
from reporting.dashboard.rejected_panel import rejected_panel
from reporting.dashboard.rule_annotations import rule_annotations
from reporting.read_access import Status, status_of, view_of

Page = Callable[..., HttpResponse]

RETRY_AFTER_S: Final = 5
ASKED: Final = ("period", "from", "to")

logger = getLogger(__name__)


class PageState(NamedTuple):
    """What a page shows: a property, pinned, and the days that were asked for. `now` is in the property's zone."""

    property: Property
    view: ReadView
    status: Status
    now: datetime
    choice: Choice
    marks: list[Annotation]

    def tag(self, request: HttpRequest) -> str:
        """The ETag of the panels: it changes with anything that they show."""
        shown = (self.view.state, self.status, f"{self.now:%Y%m%d%H}", self.choice, self.view.zone)
        of_property = (self.property.id, self.property.name, self.marks, _snippet(request, self.property))
        return f'"{blake2b(repr((shown, of_property)).encode(), digest_size=16).hexdigest()}"'


def with_clear_failures(page: Page) -> Page:
    """A page that says what is wrong, where what it reads cannot be read."""

    @wraps(page)
    def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return page(request, *args, **kwargs)
        except (StoreUnavailable, LogError) as error:
            logger.error("%s: %s", type(error).__name__, error)
            return _unavailable(request, damaged=False)
        except (CorruptBlob, Missing, UnreadableManifest) as error:
            logger.error("%s: %s", type(error).__name__, error)
            return _unavailable(request, damaged=True)

    return respond


def visible(request: HttpRequest) -> Any:
    """The properties that the user may see, by name."""
    return Property.objects.visible_to(request.user).order_by("name", "id")


def private(response: HttpResponse) -> HttpResponse:
    """For this user only, and asked for again each time."""
    patch_cache_control(response, private=True, no_cache=True)
    return response


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The first property that the user may see."""
    first = visible(request).first()
    return redirect("dashboard", first.id) if first else render(request, "reporting/no_properties.html")


@login_required
@require_GET
def chosen(request: HttpRequest) -> HttpResponse:
    """Where the forms of the header lead: on to the property's own address."""
    query = QueryDict(mutable=True)
    query.update({name: request.GET[name] for name in ASKED if request.GET.get(name)})
    if query.get("period") == CUSTOM:
        del query["period"]
    elif "period" in query:
        query = QueryDict(f"period={query['period']}") if query["period"] in PERIODS else QueryDict()
    address = reverse("dashboard", args=[_number(request.GET.get("property", ""))])
    return redirect(f"{address}?{query.urlencode()}" if query else address)


@login_required
@require_GET
@with_clear_failures
def dashboard(request: HttpRequest, property_id: int) -> HttpResponse:
    moment = _moment(request, property_id)
    frame = {
        "properties": visible(request),
        "periods": PERIODS.items(),
        "query": request.GET.urlencode(),
        "tag": moment.tag(request),
        "plotly": PLOTLY,
        "map_style": MAP_STYLE,
    }
    return private(render(request, "reporting/dashboard.html", {**frame, **_panels(request, moment)}))


@login_required
@require_GET
@with_clear_failures
def panels_only(request: HttpRequest, property_id: int) -> HttpResponse:
    """The panels as a fragment; 304, without running any report, where nothing has changed since the ETag."""
    moment = _moment(request, property_id)
    tag = moment.tag(request)
    response = get_conditional_response(request, etag=tag)
    if response is None:
        response = render(request, "reporting/_panels.html", _panels(request, moment))
        response["ETag"] = tag
    return private(response)


def _moment(request: HttpRequest, property_id: int) -> PageState:
    found = get_object_or_404(visible(request), pk=property_id)
    view = view_of(found.id)
    now = now_in(view.zone)
    choice = choose(request.GET, now.date())
    status = status_of(view, found.measurement_id)
    return PageState(found, view, status, now, choice, rule_annotations(view, choice.period))


def _in_words(status: Status) -> dict[str, str]:
    numbers = {name: number for name, number in status._asdict().items() if name != "reasons"}
    return {name: "an unknown number" if number is None else f"{number:,}" for name, number in numbers.items()}


def _panels(request: HttpRequest, moment: PageState) -> dict[str, Any]:
    """The context of _panels.html."""
    view, (name, period) = moment.view, moment.choice
    waiting = {"waiting": True, "snippet": _snippet(request, moment.property)}
    return {
        "property": moment.property,
        "period": name,
        "period_label": PERIODS.get(name, "Chosen days"),
        "first": period.first,
        "last": period.last,
        "today": moment.now.date(),
        "zone": view.zone,
        "rejected": rejected_panel(view.rejected(period.first, period.last), view.zone),
        "status": _in_words(moment.status),
        **(panels(view, period, moment.now, moment.marks) if moment.status.accepted else waiting),
    }


def _snippet(request: HttpRequest, item: Property) -> str:
    return item.snippet(request.build_absolute_uri("/").rstrip("/"))


def _unavailable(request: HttpRequest, *, damaged: bool) -> HttpResponse:
    response = render(request, "503.html", {"damaged": damaged}, status=503)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 19 else 0
