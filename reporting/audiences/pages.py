"""The pages of segments in the admin of a property: the list, and a form with an example for each definition."""

import json
from typing import Any, Final

import msgspec
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from configuration.models import Property
from configuration.pages.property_page import FORM, POST, PropertyPage, property_page
from configuration.rule_models import LONGEST_NAME
from reporting.audiences.describe import describe_audience
from reporting.audiences.saved import MOST_BYTES, AudienceForm, NameTaken, check, form_of, read_form, save
from reporting.audiences.saved import delete as delete_saved
from reporting.model.audience import AllOf, Audience, Events, Sequence, Step
from reporting.model.report import ReportError, StringFilter
from reporting.models import LONGEST_DESCRIPTION, SavedAudience

TAB: Final = "segments"
LONGEST_DEFINITION: Final = 2 * MOST_BYTES  # as it is typed, with spaces
PURCHASE, TO_CART = (StringFilter("eventName", name) for name in ("purchase", "add_to_cart"))
PRICES, FRANCE = StringFilter("pagePath", "/pricing", "BEGINS_WITH"), StringFilter("country", "France")
EXAMPLES: Final = (
    Audience("user", Events(PURCHASE, operation="GREATER_THAN_OR_EQUAL", value=2)),
    Audience("user", Sequence((Step(TO_CART), Step(PURCHASE, within_seconds=3600)))),
    Audience("session", AllOf((Events(PRICES), Events(FRANCE))), exclude=Events(PURCHASE)),
    Audience("event", Events(StringFilter("deviceCategory", "mobile"))),
)


class SegmentForm(forms.Form):
    """The fields of a segment. Once the form is valid, `wanted` is what it says."""

    name = forms.CharField(max_length=LONGEST_NAME, help_text="Reports name it so, for example “Buyers”.")
    description = forms.CharField(
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What it is for, for anyone who reads it in a year.",
    )
    scope = forms.ChoiceField(
        label="What it chooses",
        choices=SavedAudience.Scope.choices,
        help_text="All events of users, or of sessions, that meet the definition, or single events.",
    )
    definition = forms.CharField(
        max_length=LONGEST_DEFINITION,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "code"}),
        help_text="JSON with “include”, “exclude” or both; the examples below show how.",
    )

    def __init__(self, property: Property, row: SavedAudience | None, data: Any = None) -> None:
        self.property, self.wanted = property, None if row is None else form_of(row)
        super().__init__(data, initial=_initial(self.wanted) if self.wanted else {}, label_suffix="")
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"help-{name} errors-{name}"

    def clean_definition(self) -> dict[str, Any]:
        try:
            definition = msgspec.json.decode(self.cleaned_data["definition"].encode(), type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            raise ValidationError(f"This is not a JSON object: {error}.") from error
        except RecursionError as error:
            raise ValidationError("The definition is nested too deep.") from error
        if unknown := set(definition) - {"include", "exclude"}:
            raise ValidationError(f"{min(unknown)[:40]!r} is no part of a definition; write include, exclude or both.")
        return definition

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            fields = {name: cleaned[name] for name in ("name", "description", "scope")}
            try:
                self.wanted = read_form({**fields, **cleaned["definition"]})
                check(self.wanted, self.property.pk)
            except ReportError as error:
                self.add_error("definition", str(error))
            except RecursionError:
                self.add_error("definition", "The definition is nested too deep.")
        return cleaned


@property_page(TAB, in_admin=True)
def segments(page: PropertyPage) -> HttpResponse:
    rows = SavedAudience.objects.filter(property=page.property)
    listed = [{"row": row, "meaning": describe_audience(form_of(row).audience)} for row in rows]
    return page.show("admin/segments/segments.html", segments=listed)


@property_page(TAB, methods=FORM, in_admin=True)
def add(page: PropertyPage) -> HttpResponse:
    return _form_page(page, None)


@property_page(TAB, methods=FORM, in_admin=True)
def edit(page: PropertyPage, segment: int) -> HttpResponse:
    return _form_page(page, _row(page.property, segment))


@property_page(TAB, methods=POST, in_admin=True)
def delete(page: PropertyPage, segment: int) -> HttpResponse:
    row = _row(page.property, segment)
    delete_saved(row, page.request.user)
    messages.success(page.request, f"The segment “{row.name}” was deleted.")
    return redirect("segments", page.property.pk)


def _form_page(page: PropertyPage, row: SavedAudience | None) -> HttpResponse:
    """The form of a segment, and what becomes of it when it is sent: saved, or shown again with its errors."""
    form = SegmentForm(page.property, row, page.request.POST if page.request.method == "POST" else None)
    if form.is_valid() and form.wanted:
        try:
            saved = save(page.property, form.wanted, page.request.user, row)
        except ReportError as error:
            form.add_error("name" if isinstance(error, NameTaken) else None, str(error))
        else:
            messages.success(page.request, f"The segment “{saved.name}” is saved. Reports can name it at once.")
            return redirect("segments", page.property.pk)
    examples = [{"meaning": describe_audience(each), "definition": _as_text(each)} for each in EXAMPLES]
    title = f"Segment “{row.name}”" if row else "Add a segment"
    return page.show("admin/segments/segment.html", title=title, form=form, row=row, examples=examples)


def _initial(form: AudienceForm) -> dict[str, Any]:
    own = {name: getattr(form, name) for name in ("name", "description", "scope")}
    return {**own, "definition": _as_text(form.audience)}


def _as_text(audience: Audience) -> str:
    plain = msgspec.to_builtins(audience)
    return json.dumps(
        {name: plain[name] for name in ("include", "exclude") if plain[name]}, indent=2, ensure_ascii=False
    )


def _row(property: Property, segment: int) -> SavedAudience:
    row = SavedAudience.objects.filter(property=property, pk=segment).first()
    if row is None:
        raise Http404
    return row
