"""Requests whose headers and forms Django's parsers fail at: they are answered 400 or read as UTF-8, never with 500."""

from typing import Any, Final

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters

# What the parsers of headers raise: mixed continuations, character sets that are unknown or are none of text
PARSERS_FAIL: Final = (ValueError, TypeError, LookupError, AttributeError)


class PageRequest(WSGIRequest):
    """Addresses and forms are in UTF-8, whatever charset the header names; so says the standard of forms."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        """Empties the headers that cannot be parsed, for the framework of the APIs parses them once more."""
        for name in ("CONTENT_TYPE", "HTTP_ACCEPT"):
            try:
                for media_type in [meta.get(name, ""), *meta.get(name, "").split(",")]:
                    parse_header_parameters(media_type)
            except PARSERS_FAIL:
                meta[name] = ""
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))

    def _load_post_and_files(self) -> None:
        try:
            super()._load_post_and_files()
        except PARSERS_FAIL as error:
            self._mark_post_parse_error()  # type: ignore[attr-defined]
            raise MultiPartParserError("the form cannot be read") from error


class Pages(WSGIHandler):
    request_class = PageRequest
