"""The API of segments, which the code calls audiences: who may read a property lists them, who may change its rules
changes them.
"""

from typing import Any, Final

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from configuration.api.body import StrictJson
from configuration.models import Property, may_edit
from configuration.numbers import LARGEST_NUMBER
from reporting.api.access import check_visible
from reporting.api.rules import MayLook
from reporting.audiences.describe import describe_audience
from reporting.audiences.saved import NameTaken, delete, form_of, read_form, save
from reporting.model.report import ReportError
from reporting.models import SavedAudience

SEGMENT: Final = {"application/json": {"$ref": "#/components/schemas/SegmentAudienceForm"}}
LISTED: Final = {"application/json": {"type": "array", "items": {"$ref": "#/components/schemas/SavedSegment"}}}
SAVED: Final = {"application/json": {"$ref": "#/components/schemas/SavedSegment"}}


class Taken(APIException):
    status_code = 409


class AudienceView(APIView):
    """A view of one property's segments. Not found (404) for users who may not see it."""

    def get_permissions(self) -> list[Any]:
        return [IsAuthenticated(), MayLook()]

    def get_parsers(self) -> list[BaseParser]:
        return [StrictJson()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_visible(request, kwargs["number"])
        if request.method not in SAFE_METHODS and not may_edit(request.user, kwargs["number"]):
            raise PermissionDenied("Your account may not change the rules and segments of this property.")

    def handle_exception(self, error: Exception) -> Response:
        return super().handle_exception(_in_http(error))


class Audiences(AudienceView):
    """The segments of the property, by name."""

    @extend_schema(operation_id="properties_segments_list", responses=LISTED)
    def get(self, request: Request, number: int) -> Response:
        rows = SavedAudience.objects.filter(property=min(number, LARGEST_NUMBER))
        return Response([as_json(row) for row in rows])

    @extend_schema(request=SEGMENT, responses={201: SAVED})
    def post(self, request: Request, number: int) -> Response:
        """Adds a segment."""
        made = save(Property.objects.get(pk=number), read_form(request.data), request.user)
        return Response(as_json(made), 201)


class OneAudience(AudienceView):
    """One segment of the property."""

    @extend_schema(responses=SAVED)
    def get(self, request: Request, number: int, segment: int) -> Response:
        return Response(as_json(_row(number, segment)))

    @extend_schema(request=SEGMENT, responses=SAVED)
    def put(self, request: Request, number: int, segment: int) -> Response:
        """Replaces all of it. Reports that name it use the new definition from now on."""
        row = _row(number, segment)
        return Response(as_json(save(row.property, read_form(request.data), request.user, row)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, number: int, segment: int) -> Response:
        """Deletes it. Reports that name it are refused from now on."""
        delete(_row(number, segment), request.user)
        return Response(status=204)


def as_json(row: SavedAudience) -> dict[str, Any]:
    form = form_of(row)
    return {
        "id": row.pk,
        **msgspec.to_builtins(form),
        "meaning": describe_audience(form.audience),
        "author": row.author,
        "changed_at": serializers.DateTimeField().to_representation(row.changed_at),
    }


def _row(number: int, segment: int) -> SavedAudience:
    row = SavedAudience.objects.filter(property=min(number, LARGEST_NUMBER), pk=min(segment, LARGEST_NUMBER)).first()
    if row is None:
        raise NotFound(f"This property has no segment {segment}.")
    return row


def _in_http(error: Exception) -> Exception:
    if isinstance(error, NameTaken):
        return Taken(str(error))
    if isinstance(error, ReportError):
        return ValidationError({"detail": str(error)})
    return (
        ValidationError({"detail": "The segment is nested too deep."}) if isinstance(error, RecursionError) else error
    )
