"""What all pages of rules share: who may open them, the frame with its tabs, and how a page answers."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from configuration.models import Property, may_edit, may_see
from configuration.pages.tabs import tabs_of

P = ParamSpec("P")
LARGEST_NUMBER = 2**63 - 1
Page = Callable[Concatenate[HttpRequest, Property, P], HttpResponse]


def rules_page(page: Page[P]) -> Callable[..., HttpResponse]:
    """Opens a page to who may change the property's rules; for who may not see the property there is none."""

    @wraps(page)
    def answer(request: HttpRequest, number: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if number > LARGEST_NUMBER or number == 0 or not may_see(request.user, number):
            raise Http404
        if not may_edit(request.user, number):
            raise PermissionDenied
        return page(request, Property.objects.get(pk=number), *args, **kwargs)

    guarded: Callable[..., HttpResponse] = never_cache(staff_member_required(answer, login_url="login"))
    return guarded


def show(
    request: HttpRequest, property: Property, template: str, title: str, tab: str, status: int = 200, **context: Any
) -> HttpResponse:
    """`tab` is the page whose tab is the current one."""
    frame = {**admin.site.each_context(request), "property": property, "title": title}
    return render(
        request, f"admin/rules/{template}", {**frame, "tabs": tabs_of(property.pk, tab), **context}, status=status
    )
