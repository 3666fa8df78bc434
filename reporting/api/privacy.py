"""Our own API of data-subject requests (GDPR): exports and erases visitors, deletes a property, lists erasures."""

from typing import Any, Final

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from configuration.clock import now
from configuration.models import Property, Token, may_manage
from configuration.numbers import LARGEST_NUMBER
from processing.models import Erasure
from processing.privacy.erasure_requests import ErasureRefused, delete_property, erase_visitors
from processing.privacy.export import export
from processing.privacy.find_visitors import (
    InvalidVisitorKey,
    VisitorQuery,
    all_stored_hits,
    find_visitors,
    stored_hits,
)
from reporting.capacity.turns import begin_heavy_work
from reporting.read_access import view_cache

LONGEST: Final = 1000  # characters of a client id or a user id


class MayManage(BasePermission):
    """A token needs the scope manage; a signed-in session has it."""

    message = "This token may not do this; issue one with the scope manage."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not isinstance(request.auth, Token) or request.auth.allows("manage")


PERMISSIONS: Final = (IsAuthenticated, MayManage)


class VisitorQuerySerializer(serializers.Serializer[Any]):
    """The visitor that a request is about: exactly one of these fields."""

    client_id = serializers.CharField(required=False, max_length=LONGEST, help_text="Or the whole cookie _ga.")
    user_id = serializers.CharField(required=False, max_length=LONGEST, help_text="As the site sends it.")
    visitor = serializers.CharField(required=False, max_length=LONGEST, help_text="The key, as an export shows it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise ValidationError({"detail": "Name one of client_id, user_id, visitor."})
        return attrs


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    class Meta:
        model = Erasure
        fields = ("id", "kind", "hits", "asked_by", "asked_at", "removed_at", "done_at")


class ExportVisitors(APIView):
    """Exports everything that is known about a visitor, as one JSON document."""

    permission_classes = PERMISSIONS

    @extend_schema(request=VisitorQuerySerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: int) -> StreamingHttpResponse:
        item = managed(request, number)
        begin_heavy_work()
        pieces = export(view_cache().store, item, _visitors(request, item), now())
        headers = {
            "Content-Disposition": f'attachment; filename="visitor-of-{item.pk}.json"',
            "Cache-Control": "no-store",
        }
        return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)


class EraseVisitors(APIView):
    """Erases all hits of a visitor so far: hidden from reports when this answers, removed within minutes."""

    permission_classes = PERMISSIONS

    @extend_schema(request=VisitorQuerySerializer, responses={202: ErasureSerializer})
    def post(self, request: Request, number: int) -> Response:
        item = managed(request, number)
        visitors = _visitors(request, item)
        try:
            hits = stored_hits(view_cache(), item.pk, visitors)
            erasure = erase_visitors(view_cache().store, item, visitors, request.user.get_username(), now(), hits)
        except ErasureRefused as error:
            raise ValidationError({"detail": str(error)}) from error
        return Response(ErasureSerializer(erasure).data, status=202)


class OneProperty(APIView):
    """Deletes a property with all of its data: hidden when this answers, removed within minutes."""

    permission_classes = PERMISSIONS

    @extend_schema(responses={202: ErasureSerializer})
    def delete(self, request: Request, number: int) -> Response:
        item = managed(request, number, "delete")
        erasure = delete_property(item, request.user.get_username(), now(), all_stored_hits(view_cache(), item.pk))
        return Response(ErasureSerializer(erasure).data, status=202)


class ErasureList(generics.ListAPIView[Erasure]):
    """The erasures of the property, the latest first. They do not show which visitors were erased."""

    serializer_class = ErasureSerializer
    permission_classes = PERMISSIONS
    queryset = Erasure.objects.none()

    def get_queryset(self) -> Any:
        return Erasure.objects.filter(property=managed(self.request, self.kwargs["number"]).pk)


def managed(request: Request, number: int, action: Any = "change") -> Property:
    """Raises NotFound, so that users who may not manage a property do not learn that it exists."""
    if not may_manage(request.user, min(number, LARGEST_NUMBER), action):
        raise NotFound(f"There is no property {number} that you may manage.")
    return Property.objects.get(pk=number)


def _visitors(request: Request, item: Property) -> list[int]:
    """Raises ValidationError."""
    query = VisitorQuerySerializer(data=request.data)
    query.is_valid(raise_exception=True)
    ((what, value),) = query.validated_data.items()
    try:
        return find_visitors(view_cache().store, item, VisitorQuery(what, value))
    except InvalidVisitorKey as error:
        raise ValidationError({"detail": str(error)}) from error
