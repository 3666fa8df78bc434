"""What our own API answers where the store or the log cannot be read: a sentence and 503, never a page of HTML."""

import logging
from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from collection.log import LogError
from processing.segments.manifest import UnreadableManifest
from processing.store.port import CorruptBlob, Missing, StoreUnavailable

logger = logging.getLogger(__name__)

DAMAGED = "What this asks for is damaged; `manage.py fsck` says what."
UNREACHABLE = "What is stored cannot be read at present; try again."


def answer_failure(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's own answers, and ours for faults of what is stored."""
    if isinstance(error, CorruptBlob | Missing | UnreadableManifest):
        logger.error("what a request reads is damaged", exc_info=error)
        return Response({"detail": DAMAGED}, status=503)
    if isinstance(error, StoreUnavailable | LogError):
        logger.error("what is stored cannot be read", exc_info=error)
        return Response({"detail": UNREACHABLE}, status=503)
    return exception_handler(error, context)
