"""The forms of notes on days, which stand below the chart. They lead back to the page where they were used."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from configuration.pages.property_page import POST, PropertyPage, property_page
from reporting.dashboard.period_picker import read_day
from reporting.model.report import ReportError
from reporting.models import Note
from reporting.notes import add, delete


@property_page(methods=POST)
def add_note(page: PropertyPage) -> HttpResponse:
    """Reads `day` and `text`; `query` has the address of the page."""
    form = page.request.POST
    day = read_day(form.get("day", ""))
    try:
        if day is None:
            raise ReportError("Name the day of the note.")
        add(page.property, day, form.get("text", ""), page.request.user)
    except ReportError as error:
        return page.show("reporting/message.html", 400, title="The note was not saved", message=str(error))
    return _back(page)


@property_page(methods=POST)
def delete_note(page: PropertyPage, note: int) -> HttpResponse:
    found = Note.objects.filter(property=page.property, pk=note).first()
    if found is None:
        raise Http404
    delete(found, page.request.user)
    return _back(page)


def _back(page: PropertyPage) -> HttpResponse:
    return redirect(f"{reverse('dashboard', args=[page.property.pk])}?{page.request.POST.get('query', '')}")
