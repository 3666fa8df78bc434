"""The API of rules: the draft with an ETag, check, publish, versions, audit log. Configuration as code."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from configuration.api.body import JsonBytes, body_of
from configuration.checks.check import Finding
from configuration.drafts.draft import DraftChanged, Unacceptable, draft, etag_of, refuse_errors, replace_draft
from configuration.drafts.publishing import (
    NoSuchVersion,
    NothingChanged,
    all_findings,
    publish,
    publish_again,
    published,
)
from configuration.models import Property, Token, may_edit, may_see
from configuration.numbers import LARGEST_NUMBER
from configuration.rule_models import AuditEntry, RulesVersion
from configuration.ruleset.diff import differences
from configuration.ruleset.document import decode_document, to_document
from configuration.ruleset.ruleset import Ruleset, UnreadableRuleset

AT_ONCE: Final = 200
DOCUMENT: Final = {"application/json": {"$ref": "#/components/schemas/RulesDocument"}}
BEFORE: Final = OpenApiParameter("before", OpenApiTypes.INT, description=f"Only those below; {AT_ONCE} come at once.")
IF_MATCH: Final = OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER)


class Refusal(APIException):
    """An error answer with more than a sentence: findings, or the current ETag."""

    def __init__(self, status: int, detail: str, found: Sequence[Finding] = (), etag: str = "") -> None:
        super().__init__(detail)
        self.status_code, self.found, self.etag = status, found, etag


class MayConfigure(BasePermission):
    """A token needs the scope configure; a signed-in session has it."""

    message = "This token may not configure; issue one with the scope configure."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not isinstance(request.auth, Token) or request.auth.allows("configure")


class VersionSerializer(serializers.ModelSerializer[RulesVersion]):
    class Meta:
        model = RulesVersion
        fields = ("number", "author", "note", "published_at")


class AuditSerializer(serializers.ModelSerializer[AuditEntry]):
    changes = serializers.JSONField(source="detail", help_text="A sentence each.")

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "user", "action", "subject", "changes")


class RulesView(APIView):
    """A view of one property for users who may change its rules. Not found (404) for users who may not see it."""

    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated, MayConfigure)
    parser_classes: Sequence[type[BaseParser]] = (JsonBytes,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        number = min(kwargs["number"], LARGEST_NUMBER)
        if number == 0 or not may_see(request.user, number):
            raise NotFound(f"There is no property {number} that you may see.")
        if not may_edit(request.user, number):
            raise PermissionDenied("Your account may not change the rules of this property.")
        self.property = Property.objects.get(pk=number)

    def handle_exception(self, error: Exception) -> Response:
        reply = super().handle_exception(_as_refusal(error))
        if isinstance(error, Refusal | Unacceptable):
            found = error.found if isinstance(error, Refusal) else error.findings
            reply.data |= {"findings": _plain(found)} if found else {}
        if isinstance(error, Refusal | DraftChanged) and error.etag:
            reply["ETag"] = f'"{error.etag}"'
        return reply


class DraftView(RulesView):
    """The draft: all settings and rules as they would be published."""

    @extend_schema(responses=DOCUMENT)
    def get(self, request: Request, number: int) -> Response:
        return _draft_reply(draft(self.property))

    @extend_schema(request=DOCUMENT, responses=DOCUMENT, parameters=[IF_MATCH])
    def put(self, request: Request, number: int) -> Response:
        """Replaces all of it. If-Match must have the ETag of the draft that was read."""
        expected = _expected(request, self.property)
        if expected is None:
            raise Refusal(428, "Send If-Match with the ETag of the draft that you read, or * to replace any.")
        ruleset = decode_document(body_of(request), self.property.pk)
        replace_draft(self.property, ruleset, request.user, expected_etag=expected)
        return _draft_reply(draft(self.property))


class CheckView(RulesView):
    """Checks the draft, or the document in the body, which is not stored."""

    @extend_schema(request=DOCUMENT, responses=OpenApiTypes.OBJECT)
    def post(self, request: Request, number: int) -> Response:
        body = body_of(request)
        wanted = decode_document(body, self.property.pk) if body else draft(self.property)
        try:
            if body:
                refuse_errors(wanted)
            found = all_findings(wanted)
        except Unacceptable as error:
            found = error.findings
        errors = [each for each in found if each.severity == "error"]
        return Response({"publishable": not errors, "findings": _plain(found)})


class PublishView(RulesView):
    """Publishes the draft as the next version. With If-Match, only if the draft has this ETag."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: VersionSerializer}, parameters=[IF_MATCH])
    def post(self, request: Request, number: int) -> Response:
        expected = _expected(request, self.property)
        version = publish(self.property, request.user, _note(request), expected or None)
        return Response(VersionSerializer(version).data, 201)


class VersionsView(RulesView):
    """The published versions, the newest first."""

    @extend_schema(responses=VersionSerializer(many=True), parameters=[BEFORE])
    def get(self, request: Request, number: int) -> Response:
        versions = RulesVersion.objects.filter(property_number=self.property.pk, number__lt=_before(request))
        return Response(VersionSerializer(versions.order_by("-number")[:AT_ONCE], many=True).data)


class VersionView(RulesView):
    """One version: what it holds, and what it changed."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, number: int, version: int) -> Response:
        row = RulesVersion.objects.filter(property_number=self.property.pk, number=version).first()
        if row is None:
            raise NoSuchVersion(version)
        ruleset = row.ruleset()
        before = published(self.property.pk, version - 1) or Ruleset(self.property.pk)
        return Response(
            {**VersionSerializer(row).data, **to_document(ruleset), "changes": differences(before, ruleset)}
        )


class DifferenceView(RulesView):
    """The differences of two versions, one sentence each."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, number: int, old: int, new: int) -> Response:
        before, after = (published(self.property.pk, each) or _none(each) for each in (old, new))
        return Response({"from": old, "to": new, "changes": differences(before, after)})


class PublishAgainView(RulesView):
    """Sets the draft to an earlier version and publishes it as the next version."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses={201: VersionSerializer})
    def post(self, request: Request, number: int, version: int) -> Response:
        made = publish_again(self.property, version, request.user, _note(request))
        return Response(VersionSerializer(made).data, 201)


class AuditView(RulesView):
    """The audit log, the latest entry first."""

    @extend_schema(responses=AuditSerializer(many=True), parameters=[BEFORE])
    def get(self, request: Request, number: int) -> Response:
        entries = AuditEntry.objects.filter(property_number=self.property.pk, pk__lt=_before(request))
        return Response(AuditSerializer(entries.order_by("-pk")[:AT_ONCE], many=True).data)


class Note(msgspec.Struct, forbid_unknown_fields=True):
    note: str = ""


def _plain(found: Sequence[Finding]) -> list[dict[str, str]]:
    return [each._asdict() for each in found]


def _as_refusal(error: Exception) -> Exception:
    """Errors of the domain as HTTP errors; other errors as they are."""
    if isinstance(error, UnreadableRuleset):
        return Refusal(400, f"{error}.")
    if isinstance(error, Unacceptable):
        return Refusal(400, "These rules cannot be kept as they are; see the findings.")
    if isinstance(error, DraftChanged):
        return Refusal(412, str(error))
    if isinstance(error, NothingChanged):
        return Refusal(409, str(error))
    return NotFound(str(error)) if isinstance(error, NoSuchVersion) else error


def _none(number: int) -> Ruleset:
    raise NoSuchVersion(number)


def _draft_reply(ruleset: Ruleset) -> Response:
    return Response(to_document(ruleset), headers={"ETag": f'"{etag_of(ruleset)}"'})


def _expected(request: Request, property: Property) -> str | None:
    """Returns the draft's etag that If-Match asks for, "" for any; None where there is no If-Match.

    Raises DraftChanged.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None
    now = etag_of(draft(property))
    if header.strip() == "*":
        return ""
    if f'"{now}"' not in parse_etags(header):
        raise DraftChanged(now)
    return now


def _note(request: Request) -> str:
    try:
        note = msgspec.json.decode(body_of(request) or b"{}", type=Note).note
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refusal(400, f"{error}.") from error
    return note


def _before(request: Request) -> int:
    text = request.query_params.get("before", str(LARGEST_NUMBER))
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise Refusal(400, "`before` must be a whole number.")
    return min(int(text), LARGEST_NUMBER)
