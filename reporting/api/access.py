"""Who may read a property by our own API, and the days that a request names."""

from datetime import date
from typing import Final

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from configuration.models import Token, may_see
from configuration.numbers import LARGEST_NUMBER
from reporting.model.date_ranges import read_day
from reporting.model.report import ReportError


class MayRead(BasePermission):
    """A token needs the scope read; a signed-in session has it."""

    message = "This token may not read; issue one with the scope read."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not isinstance(request.auth, Token) or request.auth.allows("read")


PERMISSIONS: Final = (IsAuthenticated, MayRead)


def check_visible(request: Request, number: int) -> None:
    """Raises NotFound, so that users who may not see a property do not learn that it exists."""
    if not may_see(request.user, min(number, LARGEST_NUMBER)):
        raise NotFound(f"There is no property {number} that you may see.")


def read_period(request: Request, today: date) -> tuple[date, date]:
    """Returns the first and last local day of the request's `from` and `to`. Raises ValidationError."""
    try:
        first = read_day(request.query_params.get("from", "6daysAgo"), today)
        last = read_day(request.query_params.get("to", "today"), today)
    except ReportError as error:
        raise ValidationError({"detail": str(error)}) from error
    if first > last:
        raise ValidationError({"detail": f"The period begins on {first} and ends before that, on {last}."})
    return first, last
