"""Answers requests for reports: small ones in this process, heavy ones in one of their own."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpResponse

from configuration.clock import now
from configuration.ruleset.ruleset import encode_ruleset
from reporting.audiences.saved import resolve_names
from reporting.capacity.elsewhere import run_elsewhere
from reporting.capacity.turns import limits, weigh
from reporting.clock import now_in
from reporting.file_formats import FileFormat
from reporting.kinds import plan_many, write_file
from reporting.kinds.elsewhere import ReportTask, answer_task
from reporting.model.now import Now
from reporting.read_access import AS_OF, moment_of, newest_rules, view_cache, view_of

Write = Callable[[list[Any]], bytes]


class Reply(NamedTuple):
    """`as_of`: the moment that the numbers of the body show."""

    body: bytes
    as_of: datetime


def answer_reports(reports: Sequence[object], property: int, write: Write) -> Reply:
    """Returns what `write`, a function of a module without Django, makes of the answers.

    Raises ReportError; Busy if too much is going on; and what ends the work early (reporting/capacity/turns.py).
    """
    reports = resolve_names(reports, property)
    view = view_of(property)
    present = Now.at(now_in(view.zone))
    planned = plan_many(reports, view, present, limits())
    if not weigh(planned.steps(view.count_events, view.count_rejected)):
        return Reply(write(planned.run()), moment_of(view))
    rules, as_of = newest_rules(property), now()
    task = ReportTask(
        store=settings.STORE_URL,
        store_id=view_cache().store.id,
        cache=settings.SEGMENT_CACHE,
        pinned=view_cache().pin(property),
        reports=tuple(reports),
        now=present,
        rules=encode_ruleset(rules) if rules else None,
        rates=view.rates,
        limits=limits(),
        write=write,
    )
    return Reply(run_elsewhere(answer_task, task), as_of)


def answer_as_file(report: object, property: int, file_format: FileFormat) -> HttpResponse:
    """Answers one report as a file to be saved. Raises like answer_reports."""
    reply = answer_reports([report], property, partial(write_file, file_format.extension))
    response = HttpResponse(reply.body, file_format.media_type, headers={AS_OF: reply.as_of.isoformat()})
    response["Content-Disposition"] = f'attachment; filename="report-{property}.{file_format.extension}"'
    return response
