"""The pages on which an owner exports and erases visitors and deletes a property, with the progress of erasures."""

from functools import lru_cache, partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect

from configuration.clock import now
from configuration.models import may_manage
from configuration.numbers import how_many
from configuration.pages.property_page import FORM, PropertyPage, property_page
from processing.installation import expected
from processing.models import Erasure
from processing.privacy.erasure_requests import ErasureRefused, delete_property, erase_visitors
from processing.privacy.export import export
from processing.privacy.find_visitors import (
    InvalidVisitorKey,
    VisitorQuery,
    all_stored_hits,
    find_visitors,
    stored_hits,
)
from processing.segments.view_cache import ViewCache
from processing.store import open_store


class VisitorQueryForm(forms.Form):
    what = forms.ChoiceField(
        label="Identified by",
        choices=[
            ("client_id", "Client id: the cookie _ga, or the part of it after GA1.1."),
            ("user_id", "User id: as your site sends it"),
            ("visitor", "Visitor key: as an export shows it"),
        ],
    )
    value = forms.CharField(label="Value", max_length=1000, widget=forms.TextInput(attrs={"autocomplete": "off"}))


@property_page(methods=FORM, may_open=partial(may_manage, action="change"), hidden=True, in_admin=True)
def visitors(page: PropertyPage) -> HttpResponse | StreamingHttpResponse:
    """Looks visitors up; then exports them, or asks and erases them."""
    form = VisitorQueryForm(page.request.POST or None)
    keys = _find(page, form) if form.is_valid() else []
    if not keys:
        return _show(page, "visitors", form=form)
    if "export" in page.request.POST:
        return _export(page, keys)
    hits = stored_hits(_views(), page.property.pk, keys)
    if "erase" in page.request.POST:
        return _erase(page, keys, hits)
    return _show(page, "visitors", form=form, count=len(keys), hits=hits, asked="ask" in page.request.POST)


@property_page(methods=FORM, may_open=partial(may_manage, action="delete"), hidden=True, in_admin=True)
def delete(page: PropertyPage) -> HttpResponse:
    """Says what would be deleted, asks, and deletes it."""
    hits = all_stored_hits(_views(), page.property.pk)
    if page.request.method != "POST":
        return _show(page, "delete_property", hits=hits)
    delete_property(page.property, page.request.user.get_username(), now(), hits)
    messages.success(page.request, f"“{page.property}” is deleted. Its stored data is removed within minutes.")
    return redirect("admin:configuration_property_changelist")


def _show(page: PropertyPage, name: str, **context: Any) -> HttpResponse:
    latest = Erasure.objects.filter(property=page.property.pk)[:10]
    return page.show(f"admin/processing/{name}.html", title="Visitors' data", latest=latest, **context)


def _find(page: PropertyPage, form: VisitorQueryForm) -> list[int]:
    """Returns the keys of the visitors. If there are none, [] and an error in the form."""
    query = VisitorQuery(form.cleaned_data["what"], form.cleaned_data["value"])
    try:
        keys = find_visitors(_views().store, page.property, query)
    except InvalidVisitorKey as error:
        form.add_error("value", str(error))
        return []
    if not keys:
        form.add_error("value", "No visitor has this user id, as far as single hits are kept.")
    return keys


def _export(page: PropertyPage, keys: list[int]) -> StreamingHttpResponse:
    pieces = export(_views().store, page.property, keys, now())
    headers = {"Content-Disposition": f'attachment; filename="visitor-of-{page.property.pk}.json"'}
    return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)


def _erase(page: PropertyPage, keys: list[int], hits: int) -> HttpResponse:
    try:
        erase_visitors(_views().store, page.property, keys, page.request.user.get_username(), now(), hits)
    except ErasureRefused as error:
        messages.error(page.request, str(error))
    else:
        messages.success(
            page.request,
            f"Erased: {how_many(hits, 'hit')}. Reports leave them out from now on; the rest takes minutes.",
        )
    return redirect("visitors-data", page.property.pk)


def _views() -> ViewCache:
    return _open_views(settings.STORE_URL)


@lru_cache(1)
def _open_views(store_url: str) -> ViewCache:
    return ViewCache(open_store(store_url, expected=lambda: expected("store")))
