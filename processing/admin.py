"""The pages on which an owner exports and erases visitors and deletes a property, and sees how far that is."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from configuration.models import Property, may_manage
from processing.models import Erasure
from processing.privacy.erasure_requests import ErasureRefused, delete_property, erase_visitors
from processing.privacy.export import export
from processing.privacy.find_visitors import InvalidVisitorKey, VisitorQuery, find_visitors, stored_hits
from processing.segments.view_cache import ViewCache
from processing.store import open_store

if TYPE_CHECKING:
    ErasurePages = admin.ModelAdmin[Erasure]
else:
    ErasurePages = admin.ModelAdmin


class VisitorQueryForm(forms.Form):
    what = forms.ChoiceField(
        label="known by",
        choices=[
            ("client_id", "Client id: the cookie _ga, or the part of it after GA1.1."),
            ("user_id", "User id: as your site sends it"),
            ("visitor", "Visitor key: as an export shows it"),
        ],
    )
    value = forms.CharField(label="which is", max_length=1000, widget=forms.TextInput(attrs={"autocomplete": "off"}))


@admin.register(Erasure)
class ErasureAdmin(ErasurePages):
    """A list to look at. Who was meant is not in it."""

    list_display = ("property", "kind", "hits", "asked_by", "asked_at", "removed_at", "done_at")
    fields: ClassVar[Any] = list_display
    list_filter = ("kind",)

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        return [
            path("visitors/<int:number>/", site.admin_view(self.visitors_page), name="processing_erasure_visitors"),
            path("property/<int:number>/", site.admin_view(self.property_page), name="processing_erasure_property"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Erasure | None = None) -> bool:
        return False

    def visitors_page(self, request: HttpRequest, number: int) -> HttpResponse | StreamingHttpResponse:
        """Finds somebody; then exports, or asks and erases."""
        item, form = _managed(request, number, "change"), VisitorQueryForm(request.POST or None)
        found = _found(item, form) if form.is_valid() else None
        if found is None:
            return self._page(request, "visitors", item, form=form)
        if "export" in request.POST:
            return _exported(item, found)
        if "erase" in request.POST:
            return self._erased(request, item, found)
        hits = stored_hits(_reader().view(item.pk), found)
        return self._page(
            request, "visitors", item, form=form, count=len(found), hits=hits, asked="ask" in request.POST
        )

    def property_page(self, request: HttpRequest, number: int) -> HttpResponse:
        """Says what goes, asks, and deletes."""
        item = _managed(request, number, "delete")
        hits = _reader().view(item.pk).counts().accepted
        if request.method != "POST":
            return self._page(request, "delete_property", item, hits=hits)
        delete_property(item, request.user.get_username(), hits)
        messages.success(request, f"“{item}” is deleted. What is stored of it is removed within minutes.")
        return redirect("admin:configuration_property_changelist")

    def _erased(self, request: HttpRequest, item: Property, found: list[int]) -> HttpResponse:
        hits = stored_hits(_reader().view(item.pk), found)
        try:
            erase_visitors(_reader().store, item, found, request.user.get_username(), hits)
        except ErasureRefused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"Erased: {hits:,} hits. Reports are without them now; the rest takes minutes.")
        return redirect("admin:processing_erasure_visitors", number=item.pk)

    def _page(self, request: HttpRequest, name: str, item: Property, **more: Any) -> HttpResponse:
        latest = Erasure.objects.filter(property=item.pk)[:10]
        context = {**self.admin_site.each_context(request), "title": "Visitors' data", "item": item, "latest": latest}
        response = TemplateResponse(request, f"admin/processing/{name}.html", context | more)
        response["Cache-Control"] = "no-store"
        return response


def _reader() -> ViewCache:
    return _opened(settings.STORE_URL)


@lru_cache(1)
def _opened(url: str) -> ViewCache:
    return ViewCache(open_store(url))


def _managed(request: HttpRequest, number: int, action: Any) -> Property:
    if not may_manage(request.user, number, action):
        raise Http404
    return Property.objects.get(pk=number)


def _found(item: Property, form: VisitorQueryForm) -> list[int] | None:
    """None where the form has an error now."""
    try:
        found = find_visitors(
            _reader().store, item, VisitorQuery(form.cleaned_data["what"], form.cleaned_data["value"])
        )
    except InvalidVisitorKey as error:
        form.add_error("value", str(error))
        return None
    if not found:
        form.add_error("value", "Nobody is known by this user id, as far as single hits are kept.")
    return found or None


def _exported(item: Property, found: list[int]) -> StreamingHttpResponse:
    pieces = export(_reader().store, item, found, timezone.now())
    headers = {"Content-Disposition": f'attachment; filename="visitor-of-{item.pk}.json"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)
