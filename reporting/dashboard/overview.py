"""The overview of a property: what its address asks for, the tag of what it shows, and what the templates show."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.http import QueryDict

from configuration.models import Property
from processing.segments.read_view import ReadView
from reporting.clock import now_in
from reporting.dashboard.annotations import Annotation
from reporting.dashboard.page_card import page_card, page_of
from reporting.dashboard.page_menus import menus
from reporting.dashboard.page_request import PageRequest, read_page
from reporting.dashboard.panels import panels
from reporting.dashboard.period_picker import PERIODS
from reporting.dashboard.rule_annotations import rule_annotations
from reporting.model.now import Now
from reporting.model.report import ReportError
from reporting.models import Note
from reporting.notes import notes_between
from reporting.read_access import Status, status_of, view_of
from reporting.registry.custom import definitions_of
from reporting.unconverted import unconverted


class Overview(NamedTuple):
    """The pinned view of a property, and what an address asks for. `now` is on the clock of the property's zone;
    `site` is the address of this installation.
    """

    property: Property
    query: QueryDict
    site: str
    view: ReadView
    status: Status
    now: datetime
    asked: PageRequest
    changes: list[Annotation]  # where other rules begin to count
    notes: list[Note]

    def marked(self) -> list[Annotation]:
        """What the chart marks, by time."""
        of_notes = [Annotation(note.day.isoformat(), "note", note.text) for note in self.notes]
        return sorted([*self.changes, *of_notes])

    def tag(self) -> str:
        """The ETag of the panels: it changes with everything that they show. Where the period is not over, they show
        the minute up to which it is compared.
        """
        compares_until_now = self.status.accepted and self.asked.choice.period.last == self.now.date()
        moment = f"{self.now:%Y%m%d%H%M}" if compares_until_now else f"{self.now:%Y%m%d%H}"
        status = [value for name, value in self.status._asdict().items() if name != "as_of"]
        shown = (self.view.state, status, moment, self.query.urlencode(), self.view.zone)
        of_property = (self.property.id, self.property.name, self.marked(), self.property.snippet(self.site))
        return f'"{blake2b(repr((shown, of_property)).encode(), digest_size=16).hexdigest()}"'

    def context(self, *, may_edit: bool) -> dict[str, Any]:
        """Returns the context of _panels.html, besides the property. It runs the reports."""
        period = self.asked.choice.period
        shown = {
            "complaints": self.asked.complaints,
            "query": self.query.urlencode(),
            **menus(self.asked, self.query),
            "period_label": PERIODS.get(self.asked.choice.name, "Chosen days"),
            "first": period.first,
            "last": period.last,
            "today": self.now.date(),
            "zone": self.view.zone,
            "status": _in_words(self.status),
            "unconverted": ", ".join(each.currency for each in unconverted(self.view, period.first, period.last)),
            "notes": self.notes,
            "may_edit": may_edit,
            "as_of": self.status.as_of,
        }
        if not self.status.accepted:
            return shown | {"waiting": True, "snippet": self.property.snippet(self.site)}
        try:
            found = panels(self.view, self.asked, self.now, self.query, self.marked())
            if page := page_of(self.asked):
                found["card"] = page_card(self.view, self.asked, page, Now.at(self.now), self.query)
        except ReportError as error:  # such as a pattern that cannot be read, or that is too dear
            return shown | {"refused": str(error)}
        return shown | found | {"annotations": [change.text for change in self.changes]}


def overview_of(property: Property, query: QueryDict, site: str) -> Overview:
    view = view_of(property.pk)
    now = now_in(view.zone).replace(second=0, microsecond=0)
    asked = read_page(query, now, view.begins, definitions_of(view.rules).dimensions)
    status = status_of(view, property.measurement_id)
    status = status._replace(as_of=status.as_of.astimezone(ZoneInfo(view.zone)))
    changes = rule_annotations(view, asked.choice.period, hourly=asked.interval in ("hour", "minute"))
    notes = list(notes_between(property.pk, *asked.choice.period))
    return Overview(property, query, site, view, status, now, asked, changes, notes)


def _in_words(status: Status) -> dict[str, str]:
    numbers = {name: number for name, number in status._asdict().items() if name not in ("as_of", "reasons")}
    return {name: "an unknown number" if number is None else f"{number:,}" for name, number in numbers.items()}
