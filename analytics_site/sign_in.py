"""Refused attempts to sign in or to prove a password, on every page that takes one; and sessions that end when idle."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.deprecation import MiddlewareMixin

from configuration.access.password_hashing import HashesBusy
from configuration.access.sign_in_limits import TooManyAttempts, attempt
from configuration.clock import now

BUSY_RETRY_S: Final = 2
USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)
USED: Final = "used"
BACKGROUND: Final = frozenset(
    {"panels", "realtime-panels", "rules-run-progress", "shared-panels"}
)  # an open page asks for these by itself


class SignInRefusals(MiddlewareMixin):
    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answers 429 to too many attempts, and 503 while too many passwords are being checked."""
        if isinstance(exception, TooManyAttempts):
            return _refusal(request, 429, exception.wait_s)
        return _refusal(request, 503, BUSY_RETRY_S) if isinstance(exception, HashesBusy) else None


def _refusal(request: HttpRequest, status: int, wait_s: int) -> HttpResponse:
    page = render(request, "429.html", {"wait_s": wait_s, "busy": status == 503}, status=status)
    page["Retry-After"] = str(wait_s)
    return page


def change_password(request: HttpRequest) -> HttpResponseBase:
    """The admin's page on which users change their own password. It asks for the old one, which may be guessed at with
    somebody's open session: that counts like an attempt to sign in.
    """
    if request.method != "POST":
        return admin.site.password_change(request)
    with attempt(request.user.get_username(), request.META.get("REMOTE_ADDR", "")) as begun:
        answer = admin.site.password_change(request)
        if answer.status_code == 302:
            begun.succeed()
        return answer


class SessionUse(MiddlewareMixin):
    """A session lives for SESSION_COOKIE_AGE after the last request that a person made. What an open page asks for by
    itself is no use.
    """

    def process_view(self, request: HttpRequest, *view: Any) -> None:
        match = request.resolver_match
        if request.user.is_authenticated and match and match.url_name not in BACKGROUND:
            _note_use(request)


def _note_use(request: HttpRequest) -> None:
    """Writes at most once a minute; writing prolongs the session."""
    moment = now()
    noted = parse_datetime(request.session.get(USED, ""))
    if noted is None or moment - noted >= USE_IS_NOTED_EVERY:
        request.session[USED] = moment.isoformat()
        try:
            request.session.save()
        except UpdateError:  # a full disk must not stop pages: a later use is noted
            request.session.modified = False
