"""Template filters for numbers and times: one form for all pages."""

from datetime import datetime

from django import template
from django.utils.timezone import get_current_timezone

from configuration import moments, numbers

register = template.Library()


@register.filter
def how_many(number: int | str, noun: str) -> str:
    """`{{ hits|how_many:"hit" }}` writes `1 hit` or `1,200 hits`."""
    return numbers.how_many(number, noun)


@register.filter
def moment(at: datetime | None) -> str:
    """Writes a moment on the clock of the page's zone, which a page of a property sets to the property's."""
    return moments.moment(at, get_current_timezone()) if at else ""
