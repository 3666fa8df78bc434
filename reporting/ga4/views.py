"""Serves the GA4 Data API: bearer token, JSON in, JSON out, every error in Google's shape."""

import logging
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Final, NamedTuple

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from configuration.access.tokens import authenticate
from configuration.models import may_see
from configuration.numbers import LARGEST_NUMBER
from processing.store.port import StoreUnavailable
from reporting.answering import Reply, answer_reports
from reporting.ga4.requests import read_batch, read_report
from reporting.ga4.responses import (
    HTTP_STATUS,
    ErrorStatus,
    error_reply,
    metadata_reply,
    report_reply,
    write_batch,
    write_one,
)
from reporting.model.report import ReportError
from reporting.read_access import AS_OF, DAMAGED, newest_rules
from reporting.registry.custom import definitions_of

logger = logging.getLogger(__name__)

ALL_PROPERTIES: Final = 0  # the number that asks for the metadata of the fields that every property has
_HOW_TO_SIGN_IN: Final = (
    "Send a valid token in the header “Authorization: Bearer …”; `manage.py issue_token` makes one."
)

Method = Callable[[HttpRequest, int], Reply | bytes]  # request, number of the property -> reply
View = Callable[..., HttpResponse]


class Refused(Exception):
    """Ends a request with an error of the Data API."""

    def __init__(self, status: ErrorStatus, message: str) -> None:
        super().__init__(message)
        self.status: ErrorStatus = status


def _method(verb: str) -> Callable[[Method], View]:
    """Makes a view of a function that returns the reply."""

    def decorate(method: Method) -> View:
        @csrf_exempt
        @wraps(method)
        def view(request: HttpRequest, number: int) -> HttpResponse:
            return _reply(verb, method, request, number)

        return view

    return decorate


def _reply(verb: str, method: Method, request: HttpRequest, number: int) -> HttpResponse:
    try:
        if request.method != verb:
            raise Refused("NOT_FOUND", f"This method is called by {verb}.")
        reply = method(request, number)
        if isinstance(reply, bytes):
            return _json(reply)
        response = _json(reply.body)
        response[AS_OF] = reply.as_of.isoformat()
        return response
    except Refused as refused:
        return _error(refused.status, str(refused))
    except ReportError as error:
        return _error("INVALID_ARGUMENT", str(error))
    except RecursionError:
        return _error("INVALID_ARGUMENT", "The request is nested too deep.")
    except DAMAGED:
        logger.exception("A report could not be answered: stored data is damaged. Run `manage.py fsck`.")
        return _error("INTERNAL", "The data of this report is damaged; `manage.py fsck` shows where.")
    except StoreUnavailable:
        logger.exception("A report could not be answered: the store is unavailable")
        return _error("UNAVAILABLE", "The store of this installation cannot be read at present; try again.")


class ReportMethod(NamedTuple):
    """A method that runs one report. The report's type decides its kind."""

    read: Callable[[object, int], object]  # body, number of the property -> report. Raises ReportError
    reply: Callable[[Any], dict[str, Any]]  # answer -> body of the reply


REPORT_METHODS: Final[dict[str, ReportMethod]] = {"runReport": ReportMethod(read_report, report_reply)}


def report_method(name: str) -> View:
    """Returns the view of a method of REPORT_METHODS."""
    method = REPORT_METHODS[name]

    @_method("POST")
    def run_report(request: HttpRequest, number: int) -> Reply:
        _check_access(request, number)
        return answer_reports([method.read(_body(request), number)], number, partial(write_one, method.reply))

    return run_report


@_method("POST")
def batch_run_reports(request: HttpRequest, number: int) -> Reply:
    _check_access(request, number)
    return answer_reports(read_batch(_body(request), number), number, write_batch)


@_method("GET")
def metadata(request: HttpRequest, number: int) -> bytes:
    _check_access(request, number, allow_all_properties=True)
    return orjson.dumps(metadata_reply(number, definitions_of(newest_rules(number))))


@csrf_exempt
def no_such_method(request: HttpRequest, rest: str) -> HttpResponse:
    return _error(
        "NOT_FOUND",
        f"There is no method at /v1beta/{rest[:100]}. There are POST properties/{{number}}:runReport and"
        " :batchRunReports, and GET properties/{number}/metadata.",
    )


def _check_access(request: HttpRequest, number: int, *, allow_all_properties: bool = False) -> None:
    """Raises Refused unless the request has a token that may read reports of this property."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = authenticate(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Refused("UNAUTHENTICATED", _HOW_TO_SIGN_IN)
    if not token.allows("read"):
        raise Refused("PERMISSION_DENIED", "This token may not read reports; issue one with the scope read.")
    if allow_all_properties and number == ALL_PROPERTIES:
        return
    if not may_see(token.user, min(number, LARGEST_NUMBER)):
        raise Refused("PERMISSION_DENIED", f"There is no property {number} that this token's user may see.")


def _body(request: HttpRequest) -> object:
    try:
        return orjson.loads(request.body)
    except RequestDataTooBig as error:
        raise ReportError("The request is too large.") from error
    except orjson.JSONDecodeError as error:
        raise ReportError(f"The request is not valid JSON: {error}.") from error


def _json(reply: bytes, status: int = 200) -> HttpResponse:
    return HttpResponse(reply, content_type="application/json; charset=UTF-8", status=status)


def _error(status: ErrorStatus, message: str) -> HttpResponse:
    response = _json(orjson.dumps(error_reply(status, message)), HTTP_STATUS[status])
    if status == "UNAUTHENTICATED":
        response["WWW-Authenticate"] = 'Bearer realm="Hitstream"'
    return response
