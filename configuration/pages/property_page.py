"""The one way to make a page of a property: who may open it, the property, its tabs, and the frame around it.

A page is a function of a PropertyPage; `property_page` makes a view of it. Its template decides how it looks: templates
under admin/ extend the admin's frame, all others base.html.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_http_methods

from configuration.models import Property, may_edit, may_see, unknown_property
from configuration.pages.tabs import tabs_of
from configuration.rule_models import newest_version
from configuration.ruleset.context import UNKNOWN_PROPERTY

READ: Final = ("GET", "HEAD")
POST: Final = ("POST",)
FORM: Final = ("GET", "HEAD", "POST")

P = ParamSpec("P")
View = Callable[..., HttpResponseBase]
MayOpen = Callable[[Any, int], bool]  # (user, number of the property)


class PropertyPage(NamedTuple):
    """A request for a page. `tab` names the page whose tab is the current one; "" for a page without tabs."""

    request: HttpRequest
    property: Property
    tab: str
    in_admin: bool

    def is_staff(self) -> bool:
        """Returns whether the user may open the pages of the admin."""
        return bool(getattr(self.request.user, "is_staff", False))

    def show(self, template: str, status: int = 200, /, **context: Any) -> HttpResponse:
        frame = admin.site.each_context(self.request) if self.in_admin else {}
        tabs = tabs_of(self.property.pk, self.tab, with_admin=self.is_staff()) if self.tab else []
        frame |= {"property": self.property, "tabs": tabs, "zone": timezone.get_current_timezone_name()}
        return render(self.request, template, frame | context, status=status)


def zone_of(property: Property) -> ZoneInfo:
    """The zone of the property's times on pages: as it was published last, whatever its draft says."""
    newest = newest_version(property.pk)
    return ZoneInfo(newest.ruleset().settings.zone if newest else property.zone)


Page = Callable[Concatenate[PropertyPage, P], HttpResponseBase]


def property_page(
    tab: str = "",
    *,
    methods: Sequence[str] = READ,
    may_open: MayOpen | None = may_edit,
    hidden: bool = False,
    in_admin: bool = False,
) -> Callable[[Page[P]], View]:
    """Makes a view `(request, property_id, **arguments)` of a page.

    Signed-out users are sent to the sign-in page, and so are users who are not staff where the page is `in_admin`.
    A property that the user may not see is not found (404); property 0 has the pages that are for everybody who may see
    it. `may_open` refuses other users (403; 404 if the page is
    `hidden` from them); None lets everybody in who may see the property. Other methods are refused (405).
    """

    def decorate(page: Page[P]) -> View:
        @wraps(page)
        def respond(request: HttpRequest, property_id: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if property_id == UNKNOWN_PROPERTY and may_open is None and may_see(request.user, property_id):
                found: Property | None = unknown_property()
            else:
                found = Property.objects.visible_to(request.user).filter(pk=property_id).first()
            if found is None:
                raise Http404
            if may_open is not None and not may_open(request.user, property_id):
                raise Http404 if hidden else PermissionDenied
            with timezone.override(zone_of(found)):
                return page(PropertyPage(request, found, tab, in_admin), *args, **kwargs)

        view: View = require_http_methods(list(methods))(respond)
        if in_admin:
            return never_cache(staff_member_required(view, login_url="login"))
        return login_required(cache_control(private=True, no_cache=True)(view))

    return decorate
