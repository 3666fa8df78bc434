"""Visits one by one: the list of sessions, and what one visitor did, under a pseudonym."""

from datetime import datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from django.http import QueryDict
from django.urls import reverse

from configuration import moments
from configuration.numbers import parse_number
from processing.segments.read_view import ReadView
from reporting.answering import answer_reports
from reporting.dashboard.labels import dimension_label
from reporting.dashboard.links import link
from reporting.dashboard.number_format import format_value
from reporting.dashboard.page_request import PageRequest
from reporting.dashboard.panels import in_words
from reporting.kinds import write_packed
from reporting.kinds.sessions.report import ListedSession, SessionsAnswer, SessionsReport
from reporting.kinds.visitor.report import VisitorAnswer, VisitorEvent, VisitorReport

ROWS: Final = 50
FARTHEST: Final = 1_000_000
DURATION: Final = "averageSessionDuration"
SHOWN: Final = ("landingPage", "exitPage", "sessionSourceMedium", "country", "deviceCategory", "browser")
STEPS: Final = ("eventName", "pagePath", "pageTitle")
MOST_STEPS: Final = 500

A = TypeVar("A", SessionsAnswer, VisitorAnswer)


def visits_page(view: ReadView, asked: PageRequest, query: QueryDict) -> dict[str, Any]:
    """Returns the context of visits.html, the latest visits first. Raises ReportError."""
    page = max(parse_number(query.get("page", ""), FARTHEST) or 1, 1)
    report = SessionsReport(
        date_range=asked.choice.period.as_range(),
        dimensions=SHOWN,
        dimension_filter=asked.filter,
        limit=ROWS,
        offset=(page - 1) * ROWS,
    )
    answer = _answered(report, view, SessionsAnswer)
    return {
        "heads": [dimension_label(name) for name in SHOWN],
        "visits": [_visit(session, view) for session in answer.sessions],
        "row_count": f"{answer.row_count:,}",
        "previous": link(query, page=str(page - 1)) if page > 1 else "",
        "next": link(query, page=str(page + 1)) if page * ROWS < answer.row_count else "",
    }


def _answered(report: object, view: ReadView, of: type[A]) -> A:
    """Answers a report that may read all events of all time, and so much that it needs a process of its own."""
    return msgspec.msgpack.decode(answer_reports([report], view.property, write_packed).body, type=of)


def _visit(session: ListedSession, view: ReadView) -> dict[str, Any]:
    return {
        "start": _moment(session.start, view.zone),
        "address": reverse("visitor", args=[view.property, session.visitor]),
        "values": [in_words(name, value) for name, value in zip(SHOWN, session.dimensions, strict=True)],
        "views": session.page_views,
        "duration": format_value(DURATION, session.seconds),
        "key_events": session.key_events,
        "engaged": session.engaged,
    }


def visitor_page(view: ReadView, visitor: str) -> dict[str, Any]:
    """Returns the context of visitor.html: the visitor's visits, each with its events in order. Raises ReportError."""
    answer = _answered(VisitorReport(visitor=visitor, dimensions=STEPS, limit=MOST_STEPS), view, VisitorAnswer)
    sessions: dict[str, list[VisitorEvent]] = {}
    for event in answer.events:
        sessions.setdefault(event.session, []).append(event)
    return {
        "visitor": visitor,
        "events": f"{answer.row_count:,}",
        "sessions": answer.sessions,
        "cut": answer.row_count > MOST_STEPS,
        "visits": [
            {"start": _moment(events[0].time, view.zone), "steps": [_step(event, view.zone) for event in events]}
            for events in sessions.values()
        ],
    }


def _step(event: VisitorEvent, zone: str) -> dict[str, Any]:
    name, page, title = event.dimensions
    return {
        "time": _moment(event.time, zone, seconds=True).rpartition(", ")[2],
        "event": name,
        "page": in_words("pagePath", page),
        "title": title,
        "key": event.key_event,
        "engagement": format_value(DURATION, event.engagement_seconds) if event.engagement_seconds else "",
    }


def _moment(iso: str, zone: str, *, seconds: bool = False) -> str:
    return moments.moment(datetime.fromisoformat(iso), ZoneInfo(zone), seconds=seconds)
