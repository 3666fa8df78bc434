"""Middleware: every request that computes has its turn, and a refusal is answered in the format of what was asked."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from threading import Event
from typing import Final
from zlib import crc32

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from configuration.access.tokens import authenticate
from configuration.shared_links import PREFIX
from processing.interruption import CLIENT_GONE
from reporting.capacity.queue import Busy
from reporting.capacity.turns import REPORTS, WITHOUT_TURN, ClientGone, TookTooLong, kind_of, turn
from reporting.ga4.responses import ErrorStatus, error_reply

Respond = Callable[[HttpRequest], HttpResponse]

RETRY_AFTER_S: Final = 5
GONE: Final = 499  # nobody reads it; it is what proxies write into their logs

logger = logging.getLogger(__name__)


class Turns:
    """Runs a request when it has its turn."""

    def __init__(self, get_response: Respond) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        kind = kind_of(request.path)
        user = None if kind == WITHOUT_TURN else _user(request)
        if user is None:
            return self._get_response(request)
        gone: Event | None = request.META.get(CLIENT_GONE)
        try:
            with turn(kind, user, gone):
                return self._get_response(request)
        except (Busy, ClientGone) as error:
            return _answer(request, error, user)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Busy | ClientGone | TookTooLong):
            return _answer(request, error, _user(request))
        return None


def _user(request: HttpRequest) -> int | None:
    """Returns the number of the user; for a shared link a number below 0, which all who have it share; None for anybody
    else. As for the views, a token counts on the APIs alone: a page that is asked with a session and a header is one of
    the session's user.
    """
    if request.path.startswith(PREFIX):
        return -1 - crc32(request.path[len(PREFIX) :].partition("/")[0].encode())
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and kind_of(request.path) == REPORTS:
        token = authenticate(text.strip())
        return token.user_id if token else None
    return request.user.pk


def _answer(request: HttpRequest, error: Busy | ClientGone | TookTooLong, user: int | None) -> HttpResponse:
    if isinstance(error, ClientGone):
        return HttpResponse(status=GONE)
    status = error.status if isinstance(error, Busy) else HTTPStatus.SERVICE_UNAVAILABLE
    logger.warning("%s of user %s was refused: %s", request.path, user, error)
    response: HttpResponse
    if request.path.startswith("/v1beta/"):
        name: ErrorStatus = "RESOURCE_EXHAUSTED" if status == HTTPStatus.TOO_MANY_REQUESTS else "UNAVAILABLE"
        response = JsonResponse(error_reply(name, str(error)), status=status)
    elif request.path.startswith("/api/"):
        response = JsonResponse({"detail": str(error)}, status=status)
    else:
        response = render(request, "busy.html", {"message": str(error)}, status=status)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response
