"""Our own API: properties, counts of their hits, rejected hits, reports. With a token or a signed-in session."""

from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from configuration.drafts.snapshot import receive_settings_of
from configuration.models import Property
from configuration.ruleset.context import UNKNOWN
from processing.concurrency.failures import ShownFailure, failures
from processing.schema import LONGEST_CONTENT
from reporting.answering import answer_reports
from reporting.api.access import PERMISSIONS, check_visible, read_period
from reporting.api.downloads import FILE, download_report
from reporting.api.report_examples import EXAMPLES
from reporting.clock import today_in
from reporting.kinds import parse, write_answer
from reporting.model.report import ReportError
from reporting.read_access import AS_OF, moment_of, status_of, view_of
from reporting.registry.reject_reasons import MEANINGS
from reporting.rejected_hits import RejectedReason, rejected_by_reason
from reporting.unconverted import lately_unconverted

SAMPLES: Final = 10
FOR_ADMINISTRATORS: Final = "an administrator can see the reason"
TOO_DEEP: Final = "The request is nested too deep."


class PropertySerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    measurement_id = serializers.CharField()
    name = serializers.CharField()
    zone = serializers.CharField()
    currency = serializers.CharField()


class FailureSerializer(serializers.Serializer[Any]):
    """A task of the worker that fails now and is tried again; all others go on."""

    task = serializers.CharField()
    property_name = serializers.CharField(help_text="Empty: it concerns all properties.")
    reason = serializers.CharField(help_text="Of a failure that concerns all properties, administrators are told it.")
    tries = serializers.IntegerField()
    since = serializers.DateTimeField()


class UnconvertedSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    days = serializers.IntegerField(help_text="Days on which events used it and there was no rate.")
    latest = serializers.DateField(help_text="The last of these days.")


class StatusSerializer(serializers.Serializer[Any]):
    """Hits since the property was created: accepted = counted + rejected + pending."""

    as_of = serializers.DateTimeField(help_text="The moment that the numbers show.")
    accepted = serializers.IntegerField()
    counted = serializers.IntegerField()
    rejected = serializers.IntegerField()
    pending = serializers.IntegerField(
        allow_null=True, help_text="Durable in the log, not yet received; null while the log is unavailable."
    )
    lost = serializers.IntegerField(help_text="Hits of the whole log that were trimmed before they were received.")
    reasons = serializers.DictField(child=serializers.IntegerField(), help_text="Rejected hits by reason.")
    cleaned = serializers.IntegerField(help_text="Received hits that personal data was removed from.")
    unconverted = UnconvertedSerializer(
        many=True,
        help_text="Currencies of the last 30 days without a rate into the property's: their money is in no sum but"
        " unconvertedRevenue.",
    )
    failures = FailureSerializer(many=True, help_text="What the worker fails to do now, for this property or for all.")


class SampleSerializer(serializers.Serializer[Any]):
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    content = serializers.CharField(
        help_text="The parameters as they were sent, urlencoded, without full address: at most the first"
        f" {LONGEST_CONTENT} characters."
    )
    content_bytes = serializers.IntegerField(help_text="The length of the whole content.")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    meaning = serializers.CharField()
    count = serializers.IntegerField()
    samples = SampleSerializer(many=True, help_text=f"The latest hits, at most {SAMPLES}.")


class RejectedSerializer(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField(help_text="The moment that the numbers show.")
    first = serializers.DateField()
    last = serializers.DateField()
    count = serializers.IntegerField()
    reasons = ReasonSerializer(many=True, help_text="The most frequent first.")


class PropertyList(APIView):
    """The properties that the caller may see, by name, with their published settings."""

    permission_classes = PERMISSIONS

    @extend_schema(responses=PropertySerializer(many=True))
    def get(self, request: Request) -> Response:
        visible = Property.objects.visible_to(request.user).order_by("name", "id")
        return Response(PropertySerializer(receive_settings_of(visible), many=True).data)


class PropertyStatus(APIView):
    """The number of accepted hits, and how many of them are counted, rejected or pending."""

    permission_classes = PERMISSIONS

    @extend_schema(responses=StatusSerializer)
    def get(self, request: Request, number: int) -> Response:
        check_visible(request, number)
        measurement_id = Property.objects.filter(pk=number).values_list("measurement_id", flat=True).first()
        view = view_of(number)
        status = status_of(view, measurement_id or UNKNOWN.measurement_id)
        unconverted = [each._asdict() for each in lately_unconverted(view, today_in(view.zone))]
        failing = [failure._asdict() for failure in shown_failures(number, request.user)]
        return Response(StatusSerializer({**status._asdict(), "unconverted": unconverted, "failures": failing}).data)


def shown_failures(number: int, user: Any) -> list[ShownFailure]:
    """The words of an error that concerns all properties may name hosts and folders of the installation."""
    return [
        failure if failure.property is not None or user.is_superuser else failure._replace(reason=FOR_ADMINISTRATORS)
        for failure in failures(number)
    ]


class RejectedHits(APIView):
    """The rejected hits of some local days, by reason, with samples."""

    permission_classes = PERMISSIONS

    @extend_schema(
        responses=RejectedSerializer,
        parameters=[
            OpenApiParameter("from", OpenApiTypes.STR, description="A date of a report. Default: 6daysAgo."),
            OpenApiParameter("to", OpenApiTypes.STR, description="A date of a report. Default: today."),
        ],
    )
    def get(self, request: Request, number: int) -> Response:
        check_visible(request, number)
        view = view_of(number)
        first, last = read_period(request, today_in(view.zone))
        found = rejected_by_reason(view, first, last, SAMPLES)
        reply = {
            "as_of": moment_of(view),
            "first": first,
            "last": last,
            "count": sum(reason.hits for reason in found),
            "reasons": map(_reason, found),
        }
        return Response(RejectedSerializer(reply).data)


class PropertyReport(APIView):
    """Runs a report. `kind` names its kind, a table without it; the manual describes the fields of each kind."""

    permission_classes = PERMISSIONS

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        responses=OpenApiTypes.OBJECT,
        parameters=[FILE],
        examples=[OpenApiExample(kind, {"kind": kind, **body}, request_only=True) for kind, body in EXAMPLES.items()],
    )
    def post(self, request: Request, number: int) -> HttpResponse:
        check_visible(request, number)
        file = request.query_params.get("file")
        try:
            report = parse(request.data)
            if file is not None:
                return download_report(report, number, file)
            reply = answer_reports([report], number, write_answer)
        except ReportError as error:
            raise ValidationError({"detail": str(error)}) from error
        except RecursionError as error:
            raise ValidationError({"detail": TOO_DEEP}) from error
        return HttpResponse(reply.body, "application/json", headers={AS_OF: reply.as_of.isoformat()})


def _reason(found: RejectedReason) -> dict[str, Any]:
    columns = ("time", "received_us", "content", "content_bytes")
    return {
        "reason": found.reason,
        "meaning": MEANINGS[found.reason],
        "count": found.hits,
        "samples": [
            {
                "occurred_at": _instant(time / 1000),
                "received_at": _instant(received / 1_000_000),
                "content": content or "",
                "content_bytes": len((content or "").encode()) if size is None else size,
            }
            for time, received, content, size in found.latest.select(columns).iter_rows()
        ],
    }


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
