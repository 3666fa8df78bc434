"""The page with all rules of a property's draft, and the check of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from configuration.checks.check import Finding
from configuration.drafts.draft import DraftChanged, Unacceptable, draft, draft_etag, rule_of
from configuration.drafts.publishing import NothingChanged, findings, publish, unpublished_changes
from configuration.models import DraftRule, Property
from configuration.pages.frame import rules_page, show
from configuration.rule_models import newest_version
from configuration.ruleset.describe import describe_rule
from configuration.ruleset.document import encode_document
from configuration.ruleset.kinds import BY_TAG, KINDS


@rules_page
@require_safe
def rules(request: HttpRequest, property: Property) -> HttpResponse:
    return show(
        request,
        property,
        "rules.html",
        "Rules",
        "rules",
        kinds=_kinds(property),
        states=DraftRule.State.choices,
        **draft_state(property),
    )


@rules_page
@require_safe
def check(request: HttpRequest, property: Property) -> HttpResponse:
    return show(request, property, "check.html", "Check", "rules", **_checked(property, findings(draft(property))))


@rules_page
@require_POST
def publish_draft(request: HttpRequest, property: Property) -> HttpResponse:
    try:
        version = publish(property, request.user, request.POST.get("note", ""), request.POST.get("etag", ""))
    except Unacceptable as error:
        return show(request, property, "check.html", "Check", "rules", 400, **_checked(property, error.findings))
    except (DraftChanged, NothingChanged) as error:
        messages.error(request, str(error))
        return redirect("rules", property.pk)
    messages.success(request, f"Version {version.number} is published: new hits are counted by it within seconds.")
    return redirect("rules", property.pk)


@rules_page
@require_safe
def export(request: HttpRequest, property: Property) -> HttpResponse:
    return as_file(encode_document(draft(property)), f"rules-{property.pk}-draft.json")


def as_file(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="application/json",
        headers={"Content-Disposition": format_html('attachment; filename="{}"', name)},
    )


def draft_state(property: Property) -> dict[str, Any]:
    """What the banner shows: the version in force, and what publishing would change."""
    return {
        "changes": unpublished_changes(property),
        "newest": newest_version(property.pk),
        "etag": draft_etag(property),
        "basics": property.basics(),
    }


def _kinds(property: Property) -> list[dict[str, Any]]:
    rows: dict[str, list[dict[str, Any]]] = {kind.tag: [] for kind in KINDS}
    for row in property.draft_rules.order_by("position", "pk"):
        rows[row.kind].append({"row": row, "sentence": describe_rule(rule_of(row))})
    return [{"kind": kind, "slug": slug_of(kind.tag), "rules": rows[kind.tag]} for kind in KINDS]


def slug_of(tag: str) -> str:
    return tag.replace(" ", "-")


def _checked(property: Property, found: list[Finding]) -> dict[str, Any]:
    rows = {(row.kind, row.name): row.pk for row in property.draft_rules.all()}
    shown = [
        {
            "error": each.severity == "error",
            "message": each.message,
            "title": f"{BY_TAG[each.kind].one} “{each.rule}”" if each.kind in BY_TAG else "Settings",
            "rule": rows.get((each.kind, each.rule)),
        }
        for each in found
    ]
    return {"found": shown, "errors": sum(each["error"] for each in shown), **draft_state(property)}
