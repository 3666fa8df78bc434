"""One rule: its form, and what the list does with it."""

from typing import Any

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from configuration.drafts import editing
from configuration.drafts.draft import Unacceptable, rule_of
from configuration.models import DraftRule, Property
from configuration.pages.forms import FORMS, RuleForm
from configuration.pages.frame import rules_page, show
from configuration.ruleset.describe import TESTS, describe_rule
from configuration.ruleset.fields import FAMILIES, FIELDS
from configuration.ruleset.kinds import BY_TAG

FORM_METHODS = require_http_methods(["GET", "HEAD", "POST"])


@rules_page
@FORM_METHODS
def add(request: HttpRequest, property: Property, slug: str) -> HttpResponse:
    kind = slug.replace("-", " ")
    if kind not in BY_TAG:
        raise Http404
    form = FORMS[kind](property, None, request.POST if request.method == "POST" else None)
    return _saved(request, form, None) or _form_page(request, form, kind, None)


@rules_page
@FORM_METHODS
def edit(request: HttpRequest, property: Property, rule: int) -> HttpResponse:
    row = _row(property, rule)
    form = FORMS[row.kind](property, row, request.POST if request.method == "POST" else None)
    return _saved(request, form, row) or _form_page(request, form, row.kind, row)


@rules_page
@require_POST
def delete(request: HttpRequest, property: Property, rule: int) -> HttpResponse:
    row = _row(property, rule)
    try:
        editing.delete(property, row, request.user)
    except Unacceptable as error:
        messages.error(request, f"It was not deleted. {_sentences(error)}")
        return redirect("rules-edit", property.pk, rule)
    messages.success(request, f"{BY_TAG[row.kind].one} “{row.name}” was deleted from the draft.")
    return redirect("rules", property.pk)


@rules_page
@require_POST
def place(request: HttpRequest, property: Property, rule: int) -> HttpResponse:
    """`move`: up, down, or a number from 1; else `state`."""
    row = _row(property, rule)
    try:
        if "move" in request.POST:
            editing.move(property, row, _target(row, request.POST["move"]), request.user)
        else:
            _set_state(property, row, request)
    except Unacceptable as error:
        messages.error(request, f"“{row.name}” was not changed. {_sentences(error)}")
    return redirect(f"{reverse('rules', args=[property.pk])}#rule-{rule}")


def _set_state(property: Property, row: DraftRule, request: HttpRequest) -> None:
    state = request.POST.get("state", "")
    if state not in DraftRule.State.values:
        raise Http404
    old = rule_of(row)
    if old.state != state:
        editing.change(property, row, msgspec.structs.replace(old, state=state), request.user)


def _target(row: DraftRule, move: str) -> int:
    if move in ("up", "down"):
        return row.position + (1 if move == "down" else -1)
    if not move.isascii() or not move.isdecimal() or len(move) > 6:
        raise Http404
    return int(move)


def _row(property: Property, rule: int) -> DraftRule:
    row = property.draft_rules.filter(pk=rule).first()
    if row is None:
        raise Http404
    return row


def _saved(request: HttpRequest, form: RuleForm, row: DraftRule | None) -> HttpResponse | None:
    if not form.is_bound or not form.is_valid():
        return None
    rule = form.rule()
    try:
        if row is None:
            editing.add(form.property, rule, request.user)
        else:
            editing.change(form.property, row, rule, request.user)
    except Unacceptable as error:
        form.add_error(None, _sentences(error))
        return None
    for warning in form.warnings:
        messages.warning(request, warning)
    messages.success(request, f"“{rule.name}” is in the draft. It changes the numbers when you publish.")
    saved = form.property.draft_rules.get(kind=form.kind, name=rule.name)
    return redirect(f"{reverse('rules', args=[form.property.pk])}#rule-{saved.pk}")


def _form_page(request: HttpRequest, form: RuleForm, kind: str, row: DraftRule | None) -> HttpResponse:
    one = BY_TAG[kind].one
    context: dict[str, Any] = {
        "form": form,
        "kind": BY_TAG[kind],
        "row": row,
        "sentence": describe_rule(rule_of(row)) if row else "",
        "vocabulary": vocabulary(),
    }
    title = f"{one} “{row.name}”" if row else f"Add a rule: {one.lower()}"
    return show(request, form.property, "rule.html", title, "rules", **context)


def vocabulary() -> dict[str, Any]:
    """What the script that builds conditions offers."""
    fields = [{"name": each.name, "label": each.label, "example": each.example} for each in FIELDS.values()]
    families = [{"prefix": each.prefix, "label": each.label, "example": each.example} for each in FAMILIES.values()]
    return {"fields": fields, "families": families, "tests": {test: list(said) for test, said in TESTS.items()}}


def _sentences(error: Unacceptable) -> str:
    return " ".join(
        f"{BY_TAG[each.kind].one} “{each.rule}”: {each.message}" if each.kind in BY_TAG else each.message
        for each in error.findings
    )
