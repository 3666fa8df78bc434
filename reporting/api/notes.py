"""The API of notes on days: who may read a property lists them, who may change its rules writes them."""

from datetime import date
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from configuration.models import Property, may_edit
from configuration.numbers import LARGEST_NUMBER
from reporting.api.access import check_visible, read_period
from reporting.api.rules import MayLook
from reporting.clock import today_in
from reporting.model.report import ReportError
from reporting.models import LONGEST_TEXT, Note
from reporting.notes import add, delete, notes_between
from reporting.read_access import view_of


class NoteSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    day = serializers.DateField(help_text="A local day of the property.")
    text = serializers.CharField(max_length=LONGEST_TEXT)
    author = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


class NoteView(APIView):
    """A view of one property's notes. Not found (404) for users who may not see it."""

    def get_permissions(self) -> list[Any]:
        return [IsAuthenticated(), MayLook()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_visible(request, kwargs["number"])
        if request.method not in SAFE_METHODS and not may_edit(request.user, kwargs["number"]):
            raise PermissionDenied("Your account may not write notes on this property.")


class Notes(NoteView):
    """The notes on some local days, which charts over time show."""

    @extend_schema(
        responses=NoteSerializer(many=True),
        parameters=[
            OpenApiParameter("from", OpenApiTypes.STR, description="A date of a report. Default: 6daysAgo."),
            OpenApiParameter("to", OpenApiTypes.STR, description="A date of a report. Default: today."),
        ],
    )
    def get(self, request: Request, number: int) -> Response:
        period = read_period(request, today_in(view_of(number).zone))
        return Response(NoteSerializer(notes_between(number, *period), many=True).data)

    @extend_schema(request=NoteSerializer, responses={201: NoteSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Adds a note."""
        form = NoteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        day: date = form.validated_data["day"]
        try:
            made = add(Property.objects.get(pk=number), day, form.validated_data["text"], request.user)
        except ReportError as error:
            raise ValidationError({"detail": str(error)}) from error
        return Response(NoteSerializer(made).data, 201)


class OneNote(NoteView):
    """One note of the property."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, number: int, note: int) -> Response:
        found = Note.objects.filter(property=min(number, LARGEST_NUMBER), pk=min(note, LARGEST_NUMBER)).first()
        if found is None:
            raise NotFound(f"This property has no note {note}.")
        delete(found, request.user)
        return Response(status=204)
