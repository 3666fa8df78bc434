"""Answers as files: reports of any kind, and raw events."""

from tempfile import SpooledTemporaryFile
from typing import Any, Final

from django.http import FileResponse, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from reporting.answering import answer_as_file
from reporting.api.access import PERMISSIONS, check_visible, read_period
from reporting.capacity.turns import begin_heavy_work
from reporting.clock import today_in
from reporting.file_formats import FORMATS, FileFormat, TooManyRows
from reporting.query.event_rows import event_parts
from reporting.read_access import AS_OF, moment_of, view_of

FILE: Final = OpenApiParameter("file", OpenApiTypes.STR, enum=list(FORMATS), description="The format of the file.")
IN_MEMORY_BYTES: Final = 2**20
MOST_BYTES: Final = 256 * 2**20
TOO_LARGE: Final = f"The file would be larger than {MOST_BYTES // 2**20} MB; ask for fewer days at a time."


def download_report(report: object, number: int, name: str) -> HttpResponse:
    """Answers a report as a file. Raises ReportError, ValidationError, and what answering raises."""
    return answer_as_file(report, number, format_of(name))


def format_of(name: str) -> FileFormat:
    """Raises ValidationError."""
    if name not in FORMATS:
        raise ValidationError(
            {"detail": f"{name[:40]!r} is no format of a file. The formats are: {', '.join(FORMATS)}."}
        )
    return FORMATS[name]


class Events(APIView):
    """The raw events of some local days as a file: one row for each counted event."""

    permission_classes = PERMISSIONS

    @extend_schema(
        responses=OpenApiTypes.BINARY,
        parameters=[
            FILE,
            OpenApiParameter("from", OpenApiTypes.STR, description="A date of a report. Default: 6daysAgo."),
            OpenApiParameter("to", OpenApiTypes.STR, description="A date of a report. Default: today."),
        ],
    )
    def get(self, request: Request, number: int) -> FileResponse:
        check_visible(request, number)
        file_format = format_of(request.query_params.get("file", "csv"))
        begin_heavy_work()
        view = view_of(number)
        parts = event_parts(view, *read_period(request, today_in(view.zone)))
        head = next(parts)
        file: Any = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the response closes it
        try:
            for chunk in file_format.write(head.schema, parts):
                file.write(chunk)
                if file.tell() > MOST_BYTES:
                    raise ValidationError({"detail": TOO_LARGE})
        except BaseException as error:
            file.close()
            if isinstance(error, TooManyRows):
                raise ValidationError({"detail": str(error)}) from error
            raise
        file.seek(0)
        return FileResponse(
            file,
            as_attachment=True,
            filename=f"events-{number}.{file_format.extension}",
            content_type=file_format.media_type,
            headers={AS_OF: moment_of(view).isoformat()},
        )
