"""The JSON of a request: read, or left as bytes that are no longer than a document of rules may be."""

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from configuration.ruleset.document import LARGEST_DOCUMENT


class TooLarge(APIException):
    status_code = 413
    default_detail = f"At most {LARGEST_DOCUMENT} bytes are possible."


class StrictJson(BaseParser):
    """Refuses what Python's own parser lets through: lone surrogates, which no database and no report can hold, NaN and
    other encodings than UTF-8.
    """

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return msgspec.json.decode(stream.read())
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ParseError(f"The request is not valid JSON: {error}.") from error
        except RecursionError as error:
            raise ParseError("The request is nested too deep.") from error


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
