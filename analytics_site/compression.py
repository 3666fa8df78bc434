"""Middleware that compresses the answers of pages and APIs; see ADR 28 on secrets in compressed answers."""

import re
from collections.abc import Callable, Iterable
from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from collection.collector.encoding import MIN_BYTES, chosen_encoding, compressed, compressed_pieces

Respond = Callable[[HttpRequest], HttpResponseBase]

_text = re.compile(r"(text/|application/(json|javascript|xml|[\w.+-]*\+(json|xml)|vnd\.oai\.openapi)|image/svg)").match


def compress_answers(get_response: Respond) -> Respond:
    """Compresses text of 1 kB and more, by brotli or gzip, where the client takes it.

    ETags stay as they are: ours name a state that an If-Match compares, not the bytes of an answer.
    """

    def respond(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not is_compressible(response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if coding := chosen_encoding(request.headers.get("Accept-Encoding", "")):
            _compress(response, coding)
        return response

    return respond


def is_compressible(response: HttpResponseBase) -> bool:
    """Returns whether it is text and not compressed yet; static files have compressed copies of their own."""
    if response.has_header("Content-Encoding") or response.has_header("Content-Range"):
        return False
    if getattr(response, "file_to_stream", None) is not None:
        return False
    if not _text(response.get("Content-Type", "")):
        return False
    return response.streaming or len(cast(HttpResponse, response).content) >= MIN_BYTES


def _compress(response: HttpResponseBase, coding: str) -> None:
    if response.streaming:
        stream = cast(StreamingHttpResponse, response)
        stream.streaming_content = compressed_pieces(cast(Iterable[bytes], stream.streaming_content), coding)
        del response["Content-Length"]
    else:
        page = cast(HttpResponse, response)
        page.content = compressed(page.content, coding)
        page["Content-Length"] = str(len(page.content))
    response["Content-Encoding"] = coding
