"""Answers a failed request: 503 if the database is unavailable, in the format of the API that was called.

`answer_failure` is Django's `handler500`, so it also covers failures outside of views: in a session, in a sign-in.
The handlers here do not touch the body of the request, as Django's own do: it may be what cannot be read.
"""

import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, NoReturn

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin

from collection.collector.http import RETRY_AFTER_S
from reporting.ga4.responses import error_reply

Respond = Callable[[HttpRequest], HttpResponse]

GOOGLE_API: Final = "/v1beta/"
OWN_API: Final = "/api/"
ADMIN: Final = "/admin/"
NO_NUMBER: Final = " expected a number but got "  # Django's words
APIS: Final = (GOOGLE_API, OWN_API)
UNAVAILABLE: Final = (OperationalError, InterfaceError)
MESSAGE: Final = "The database of this installation does not answer at the moment; try again later."


def explain_refused_methods(get_response: Respond) -> Respond:
    """Middleware: an address that only a button may call says so, instead of an empty answer (405)."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.path.startswith(APIS):
            return response
        page = render(request, "405.html", status=response.status_code)
        page["Allow"] = response["Allow"]
        return page

    return respond


class RefusedNumbers(MiddlewareMixin):
    """Answers 400 where a form of Django's admin has a word in place of a row's number, which Django answers 500."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        is_word = isinstance(exception, ValueError) and NO_NUMBER in str(exception)
        return answer_bad_request(request, exception) if is_word and request.path.startswith(ADMIN) else None


def no_such_page(request: HttpRequest, rest: str = "") -> NoReturn:
    """Takes the place of an address of Django's admin that no page of ours uses, and that answers 500 for some."""
    raise Http404


def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(render_to_string("400.html"), status=400)


def answer_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def answer_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def answer_failure(request: HttpRequest) -> HttpResponse:
    """Called while the exception is being handled. Returns status 503 or 500."""
    if not isinstance(sys.exc_info()[1], UNAVAILABLE):
        return HttpResponse(render_to_string("500.html"), status=500)
    response: HttpResponse
    if request.path.startswith(GOOGLE_API):
        response = JsonResponse(error_reply("UNAVAILABLE", MESSAGE), status=503)
    elif request.path.startswith(OWN_API):
        response = JsonResponse({"detail": MESSAGE}, status=503)
    else:
        response = HttpResponse(render_to_string("database_unavailable.html"), status=503)  # without the user's name
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response
