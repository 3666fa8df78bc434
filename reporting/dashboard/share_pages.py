"""Shared links: the page on which a property's are made and deleted, and what whoever has one sees."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import check_password
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_http_methods

from configuration.access.sign_in_limits import attempt
from configuration.pages.property_page import FORM, POST, PropertyPage, property_page, zone_of
from reporting.dashboard.overview import Overview, overview_of
from reporting.dashboard.page_request import COMPARED, PERIOD
from reporting.dashboard.panel_tabs import PANEL
from reporting.dashboard.period_picker import read_day
from reporting.dashboard.plotly_static import MAP_STYLE, PLOTLY
from reporting.model.report import ReportError
from reporting.models import Share
from reporting.notes import LATEST
from reporting.read_access import AS_OF
from reporting.shares import ShareForm, create, delete, find, proof_of

# What a visitor's address may say. The parameters of a group belong together: one of them replaces all of the link's.
ALWAYS_FREE: Final = (("by",), ("metric",), *((key,) for key in PANEL))  # what is on the chart, and the open tabs
FREE: Final = ((*PERIOD, "by"), COMPARED, *ALWAYS_FREE[1:])
FRAMED_BY: Final = "Hitstream-Framed-By"  # see analytics_site/security.py


@property_page(methods=FORM)
def shares(page: PropertyPage) -> HttpResponse:
    """The links of a property, and the form of a new one; `query` is the address of the overview to be shared."""
    request, problem = page.request, ""
    if request.method == "POST":
        try:
            create(page.property, _form(request.POST, zone_of(page.property)), request.user)
            return redirect("shares", page.property.pk)
        except ReportError as error:
            problem = str(error)
    links = [
        {"share": share, "address": request.build_absolute_uri(reverse("shared", args=[share.token]))}
        for share in Share.objects.filter(property=page.property)
    ]
    form = request.POST or {"query": request.GET.get("query", "")}
    return page.show(
        "reporting/shares.html", 400 if problem else 200, here="share", links=links, form=form, problem=problem
    )


@property_page(methods=POST)
def delete_share(page: PropertyPage, share: int) -> HttpResponse:
    found = Share.objects.filter(property=page.property, pk=share).first()
    if found is None:
        raise Http404
    delete(found, page.request.user)
    return redirect("shares", page.property.pk)


def _form(form: QueryDict, zone: ZoneInfo) -> ShareForm:
    """A link expires at the end of the day that was chosen."""
    text = form.get("expires", "")
    day = read_day(text) if text else None
    if text and (day is None or day > LATEST):
        raise ReportError(f"The day on which the link expires is not a day up to {LATEST}.")
    expires = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC) if day else None
    return ShareForm(
        name=form.get("name", ""),
        query=form.get("query", ""),
        free_period=form.get("free_period") == "on",
        password=form.get("password", ""),
        expires_at=expires,
        sites=form.get("sites", ""),
    )


@require_GET
@cache_control(private=True, no_cache=True)
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The overview behind a link."""
    share = _found(token)
    if not _may_see(request, share):
        return _ask(request, share)
    with timezone.override(zone_of(share.property)):
        state = _overview(request, share)
        frame = {"tag": state.tag(), "plotly": PLOTLY, "map_style": MAP_STYLE}
        return _framed(render(request, "reporting/shared.html", frame | _context(share, state)), share)


@require_GET
@cache_control(private=True, no_cache=True)
def shared_panels(request: HttpRequest, token: str) -> HttpResponse:
    """The panels of the overview behind a link, as a fragment; 304 if nothing has changed."""
    share = _found(token)
    if not _may_see(request, share):
        raise Http404
    with timezone.override(zone_of(share.property)):
        state = _overview(request, share)
        response = get_conditional_response(request, etag=state.tag())
        if response is None:
            response = render(request, "reporting/_panels.html", _context(share, state))
            response["ETag"] = state.tag()
        response[AS_OF] = state.status.as_of.isoformat()
        return _framed(response, share)


@require_http_methods(["POST"])
def open_share(request: HttpRequest, token: str) -> HttpResponse:
    """Takes the password of a link. Attempts are limited like those to sign in."""
    share = _found(token)
    if not share.password:
        return redirect("shared", token)
    with attempt(f"share {share.token}", request.META.get("REMOTE_ADDR", "")) as begun:
        right = check_password(request.POST.get("password", ""), share.password)
        if right:
            begun.succeed()
    if not right:
        return _ask(request, share, wrong=True)
    request.session[_key(share)] = proof_of(share)
    return redirect("shared", token)


def _ask(request: HttpRequest, share: Share, *, wrong: bool = False) -> HttpResponse:
    """The form of the password. In a frame of another site browsers keep our cookies back, so no form can work there:
    the page leads out of the frame.
    """
    of_others = [request.headers.get(f"Sec-Fetch-{name}") for name in ("Dest", "Site")] == ["iframe", "cross-site"]
    context = {"share": share, "wrong": wrong, "in_frame": of_others}
    return _framed(render(request, "reporting/shared_password.html", context, status=403 if wrong else 200), share)


def _found(token: str) -> Share:
    share = find(token)
    if share is None:
        raise Http404
    return share


def _key(share: Share) -> str:
    return f"share-{share.pk}"


def _may_see(request: HttpRequest, share: Share) -> bool:
    return not share.password or request.session.get(_key(share)) == proof_of(share)


def _overview(request: HttpRequest, share: Share) -> Overview:
    """What the link says, and of the visitor's own address what is free: never filters."""
    query = QueryDict(share.query, mutable=True)
    for group in FREE if share.free_period else ALWAYS_FREE:
        given = {name: request.GET.getlist(name) for name in group if name in request.GET}
        for name in group if given else ():
            query.setlist(name, given.get(name, []))
            if not given.get(name):
                del query[name]
    state = overview_of(share.property, query, request.build_absolute_uri("/").rstrip("/"))
    return state._replace(changes=[], notes=[])  # what people write for each other is not for others


def _context(share: Share, state: Overview) -> dict[str, Any]:
    return {"share": share, "property": share.property, "shared": True, **state.context(may_edit=False)}


def _framed(response: HttpResponse, share: Share) -> HttpResponse:
    """Lets the sites that the link names show the page in a frame, and no other (analytics_site/security.py)."""
    if share.sites:
        response.headers[FRAMED_BY] = " ".join(share.sites.split())
        response.xframe_options_exempt = True  # that header can name no sites
    return response
