"""What all pages of rules and the past share: who may open them, and the frame with its tabs."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import wraps
from typing import Any, Final, NamedTuple

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from configuration.models import Property, may_edit
from configuration.pages.tabs import TABS, tabs_of
from reporting.dashboard.period_picker import CUSTOM, ChosenPeriod, choose
from reporting.dashboard.views import private, visible, with_clear_failures
from reporting.rules.tabs import OWN

USUAL_DAYS: Final = 7
MOST_DIGITS: Final = 18


class RulesPage(NamedTuple):
    """A request for a page of rules: the property, and the tab that it belongs to."""

    request: HttpRequest
    property: Property
    tab: str

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        frame = {"property": self.property, "tabs": self._tabs()}
        return render(self.request, f"reporting/rules/{template}", {**frame, **context}, status=status)

    def _tabs(self) -> list[dict[str, Any]]:
        """Who may not open the admin has only the tabs of here."""
        own = {tab.page for tab in OWN}
        shown = TABS if is_staff(self.request) else [tab for tab in TABS if tab.page in own]
        return tabs_of(self.property.pk, self.tab, shown)


Body = Callable[..., HttpResponse]


def page(tab: str) -> Callable[[Body], Body]:
    """A page for those who may change the property; for who may not see the property there is none."""

    def decorate(body: Body) -> Body:
        @wraps(body)
        def respond(request: HttpRequest, property_id: int, **more: Any) -> HttpResponse:
            found = get_object_or_404(visible(request), pk=property_id)
            if not may_edit(request.user, property_id):
                raise PermissionDenied
            return private(body(RulesPage(request, found, tab), **more))

        return login_required(with_clear_failures(respond))

    return decorate


def chosen_days(request: HttpRequest, today: date) -> ChosenPeriod:
    """The days of the address; the last seven where it names none."""
    choice = choose(request.GET, today)
    return choice.period if choice.name == CUSTOM else ChosenPeriod(today - timedelta(days=USUAL_DAYS - 1), today)


def is_staff(request: HttpRequest) -> bool:
    """Who may open the pages of the admin; others who may change the property have the API."""
    return bool(getattr(request.user, "is_staff", False))


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
