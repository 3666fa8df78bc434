"""Middleware that restricts what a page may load, and who may keep an answer."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

Respond = Callable[[HttpRequest], HttpResponse]

FRAMED_BY: Final = "Hitstream-Framed-By"  # a view's own word; it does not leave the server
POLICY: Final = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors ",
    ]
)
PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def content_security_policy(get_response: Respond) -> Respond:
    """Forbids inline scripts, inline styles and other hosts, so that hostile text in a hit cannot run as code, and
    frames of other sites, but for those that a view names in FRAMED_BY.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        framed_by = response.headers.get(FRAMED_BY, "'none'")
        response.headers.pop(FRAMED_BY, None)
        response.headers.setdefault("Content-Security-Policy", POLICY + framed_by)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response

    return respond


def forbid_caching(get_response: Respond) -> Respond:
    """No cache keeps an answer that does not say otherwise: those of the APIs, errors, redirects."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return respond
