"""The frame around the pages of a property: the pages in the rail, and the properties to switch to."""

from typing import Any

from django import template
from django.http import HttpRequest

from configuration.models import Property, may_see, unknown_property
from configuration.ruleset.context import UNKNOWN_PROPERTY
from reporting.dashboard.rail import rail as pages_of
from reporting.read_access import view_of

register = template.Library()


@register.simple_tag(takes_context=True)
def rail(context: dict[str, Any], here: str) -> list[dict[str, Any]]:
    """Returns the property's pages that the user may open; `here` is the key of the one that is shown."""
    request: HttpRequest = context["request"]
    return pages_of(request.user, context["property"].pk, here)


@register.simple_tag(takes_context=True)
def choices(context: dict[str, Any]) -> list[Property]:
    """Returns the properties that the user may choose; for administrators also property 0, once it has hits."""
    request: HttpRequest = context["request"]
    chosen, unknown = list(Property.objects.visible_to(request.user).order_by("name", "id")), unknown_property()
    shown = context["property"].pk == UNKNOWN_PROPERTY
    has_hits = may_see(request.user, unknown.pk) and view_of(unknown.pk).counts().accepted
    return [*chosen, unknown] if has_hits or shown else chosen
