"""Notes on days: checked, saved and deleted."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from django.db import transaction

from configuration.clock import now
from configuration.drafts.audit import Author, name_of, record
from configuration.models import Property
from reporting.model.date_ranges import EARLIEST
from reporting.model.report import ReportError
from reporting.models import LONGEST_TEXT, Note

MOST_NOTES: Final = 5_000  # of a property
LATEST: Final = date(2199, 12, 31)


class TooManyNotes(ReportError):
    """The property has as many notes as it may have."""


def add(property: Property, day: date, text: str, user: Author) -> Note:
    """Raises ReportError, whose words are for people."""
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if not text:
        raise ReportError("Write what happened on that day.")
    if len(text) > LONGEST_TEXT:
        raise ReportError(f"The note has {len(text)} characters; at most {LONGEST_TEXT} are allowed.")
    if not EARLIEST <= day <= LATEST:
        raise ReportError(f"A note can be on a day from {EARLIEST} to {LATEST}.")
    with transaction.atomic():
        if Note.objects.filter(property=property).count() >= MOST_NOTES:
            raise TooManyNotes(f"The property has {MOST_NOTES} notes already; delete some first.")
        note = Note.objects.create(property=property, day=day, text=text, author=name_of(user), created_at=now())
        record(user, "note added", property.pk, text, [str(day)])
    return note


def delete(note: Note, user: Author) -> None:
    with transaction.atomic():
        record(user, "note deleted", note.property_id, note.text, [str(note.day)])
        note.delete()


def notes_between(property: int, first: date, last: date) -> Iterable[Note]:
    return Note.objects.filter(property=property, day__range=(first, last))
