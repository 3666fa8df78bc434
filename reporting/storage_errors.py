"""The pages for a store or a log that cannot be read. They come from a middleware, so that no page can forget them."""

import logging
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from reporting.read_access import DAMAGED, UNREACHABLE

RETRY_AFTER_S: Final = 5

logger = logging.getLogger(__name__)


class StorageErrorPages(MiddlewareMixin):
    """The APIs answer these errors themselves, as JSON."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DAMAGED + UNREACHABLE):
            return None
        logger.error("%s: %s", type(exception).__name__, exception)
        response = render(request, "503.html", {"damaged": isinstance(exception, DAMAGED)}, status=503)
        response["Retry-After"] = str(RETRY_AFTER_S)
        return response
