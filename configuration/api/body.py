"""The raw body of a request, no longer than a document of rules may be."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from configuration.ruleset.document import LARGEST_DOCUMENT


class TooLarge(APIException):
    status_code = 413
    default_detail = f"At most {LARGEST_DOCUMENT} bytes are possible."


class JsonBytes(BaseParser):
    """Leaves decoding to a decoder that knows the types: it says where a mistake is."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        data = stream.read(LARGEST_DOCUMENT + 1)
        if len(data) > LARGEST_DOCUMENT:
            raise TooLarge
        return {"body": data}


def body_of(request: Request) -> bytes:
    """Returns the bytes that were sent; empty without a body."""
    data: Any = request.data
    body: bytes = data.get("body", b"")
    return body
