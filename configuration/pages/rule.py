"""One rule: its form, and what the list does with it."""

from typing import Any, Final

import msgspec
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from configuration.drafts import editing
from configuration.drafts.draft import Unacceptable, rule_of
from configuration.models import DraftRule, Property
from configuration.numbers import parse_number
from configuration.pages.forms import FORMS, RuleForm
from configuration.pages.property_page import FORM, POST, PropertyPage, property_page
from configuration.ruleset.describe import TESTS, describe_rule
from configuration.ruleset.fields import FAMILIES, FIELDS
from configuration.ruleset.kinds import BY_TAG

LARGEST_PLACE: Final = 999_999


@property_page("rules", methods=FORM, in_admin=True)
def add(page: PropertyPage, slug: str) -> HttpResponse:
    kind = slug.replace("-", " ")
    if kind not in BY_TAG:
        raise Http404
    return _form_page(page, kind, None)


@property_page("rules", methods=FORM, in_admin=True)
def edit(page: PropertyPage, rule: int) -> HttpResponse:
    row = _row(page.property, rule)
    return _form_page(page, row.kind, row)


@property_page("rules", methods=POST, in_admin=True)
def delete(page: PropertyPage, rule: int) -> HttpResponse:
    row = _row(page.property, rule)
    try:
        editing.delete(page.property, row, page.request.user)
    except Unacceptable as error:
        messages.error(page.request, f"The rule was not deleted. {_sentences(error)}")
        return redirect("rules-edit", page.property.pk, rule)
    messages.success(page.request, f"{BY_TAG[row.kind].one} “{row.name}” was deleted from the draft.")
    return redirect("rules", page.property.pk)


@property_page("rules", methods=POST, in_admin=True)
def place(page: PropertyPage, rule: int) -> HttpResponse:
    """Moves a rule (`move`: up, down, or its new place from 1) or sets its `state`."""
    row = _row(page.property, rule)
    try:
        if "move" in page.request.POST:
            editing.move(page.property, row, _new_place(row, page.request.POST["move"]), page.request.user)
        else:
            _set_state(page, row, page.request.POST.get("state", ""))
    except Unacceptable as error:
        messages.error(page.request, f"“{row.name}” was not changed. {_sentences(error)}")
    return redirect(f"{reverse('rules', args=[page.property.pk])}#rule-{rule}")


def _set_state(page: PropertyPage, row: DraftRule, state: str) -> None:
    if state not in DraftRule.State.values:
        raise Http404
    old = rule_of(row)
    if old.state != state:
        editing.change(page.property, row, msgspec.structs.replace(old, state=state), page.request.user)


def _new_place(row: DraftRule, move: str) -> int:
    if move in ("up", "down"):
        return row.position + (1 if move == "down" else -1)
    place = parse_number(move, LARGEST_PLACE)
    if place is None:
        raise Http404
    return place


def _row(property: Property, rule: int) -> DraftRule:
    row = property.draft_rules.filter(pk=rule).first()
    if row is None:
        raise Http404
    return row


def _form_page(page: PropertyPage, kind: str, row: DraftRule | None) -> HttpResponse:
    """The form of a rule, and what becomes of it when it is sent: saved, or shown again with its errors."""
    form = FORMS[kind](page.property, row, page.request.POST if page.request.method == "POST" else None)
    if form.is_valid():
        try:
            return _save(page, form, row)
        except Unacceptable as error:
            form.add_error(None, _sentences(error))
    one = BY_TAG[kind].one
    return page.show(
        "admin/rules/rule.html",
        title=f"{one} “{row.name}”" if row else f"Add a rule: {one.lower()}",
        form=form,
        kind=BY_TAG[kind],
        row=row,
        sentence=describe_rule(rule_of(row)) if row else "",
        vocabulary=vocabulary(),
    )


def _save(page: PropertyPage, form: RuleForm, row: DraftRule | None) -> HttpResponse:
    """Raises Unacceptable."""
    rule = form.rule()
    if row is None:
        editing.add(page.property, rule, page.request.user)
    else:
        editing.change(page.property, row, rule, page.request.user)
    for warning in form.warnings:
        messages.warning(page.request, warning)
    messages.success(page.request, f"“{rule.name}” is in the draft. It changes the numbers once you publish.")
    saved = page.property.draft_rules.get(kind=form.kind, name=rule.name)
    return redirect(f"{reverse('rules', args=[page.property.pk])}#rule-{saved.pk}")


def vocabulary() -> dict[str, Any]:
    """Returns what the script that builds conditions offers."""
    fields = [{"name": each.name, "label": each.label, "example": each.example} for each in FIELDS.values()]
    families = [{"prefix": each.prefix, "label": each.label, "example": each.example} for each in FAMILIES.values()]
    return {"fields": fields, "families": families, "tests": {test: list(said) for test, said in TESTS.items()}}


def _sentences(error: Unacceptable) -> str:
    return " ".join(
        f"{BY_TAG[each.kind].one} “{each.rule}”: {each.message}" if each.kind in BY_TAG else each.message
        for each in error.findings
    )
