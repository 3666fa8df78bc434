"""What a request is answered that failed: that the database is away, where it is that, to programs in their own words.

It is Django's `handler500`, so it also answers what fails before a view is reached, or after: a session, a sign-in.
"""

import sys
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from collection.collector.http import RETRY_AFTER_S
from reporting.ga4.responses import error_reply

AWAY: Final = (OperationalError, InterfaceError)
SENTENCE: Final = "The database of this installation does not answer at present; try again."


def failed(request: HttpRequest) -> HttpResponse:
    """Called while the exception is being handled."""
    if not isinstance(sys.exc_info()[1], AWAY):
        return server_error(request)
    response = _unavailable(request)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _unavailable(request: HttpRequest) -> HttpResponse:
    """Who asks is not known: that is in the database."""
    if request.path.startswith("/v1beta/"):
        return JsonResponse(error_reply("UNAVAILABLE", SENTENCE), status=503)
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": SENTENCE}, status=503)
    return HttpResponse(render_to_string("database_away.html"), status=503)
