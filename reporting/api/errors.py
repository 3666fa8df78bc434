"""Answers of our own API if the store or the log cannot be read: 503 and a sentence as JSON, never an HTML page."""

import logging
from typing import Any, Final

from rest_framework.response import Response
from rest_framework.views import exception_handler

from collection.log import LogError
from reporting.read_access import DAMAGED, UNREACHABLE

logger = logging.getLogger(__name__)

IS_DAMAGED: Final = "Stored data that this request reads is damaged; `manage.py fsck` says which."
IS_UNREACHABLE: Final = "The stored data cannot be read at present: the {part} does not answer; try again."


def answer_failure(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's own answers, and ours for faults of the stored data."""
    if isinstance(error, DAMAGED):
        logger.error("Stored data that a request reads is damaged", exc_info=error)
        return Response({"detail": IS_DAMAGED}, status=503)
    if isinstance(error, UNREACHABLE):
        logger.error("Stored data cannot be read", exc_info=error)
        return Response(
            {"detail": IS_UNREACHABLE.format(part="log" if isinstance(error, LogError) else "store")}, status=503
        )
    return exception_handler(error, context)
