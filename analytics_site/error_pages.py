"""Answers a failed request: 503 if the database is unavailable, in the format of the API that was called.

This is Django's `handler500`, so it also covers failures outside of views: in a session, in a sign-in.
"""

import sys
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

from collection.collector.http import RETRY_AFTER_S
from reporting.ga4.responses import error_reply

UNAVAILABLE: Final = (OperationalError, InterfaceError)
MESSAGE: Final = "The database of this installation does not answer at the moment; try again later."


def answer_failure(request: HttpRequest) -> HttpResponse:
    """Called while the exception is being handled. Returns status 503 or 500."""
    if not isinstance(sys.exc_info()[1], UNAVAILABLE):
        return server_error(request)
    response: HttpResponse
    if request.path.startswith("/v1beta/"):
        response = JsonResponse(error_reply("UNAVAILABLE", MESSAGE), status=503)
    elif request.path.startswith("/api/"):
        response = JsonResponse({"detail": MESSAGE}, status=503)
    else:
        response = HttpResponse(render_to_string("database_unavailable.html"), status=503)  # without the user's name
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response
