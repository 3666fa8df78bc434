"""The page with all rules of a property's draft, and the check of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html

from configuration.checks.check import Finding
from configuration.drafts.draft import DraftChanged, Unacceptable, draft, draft_etag, rule_of
from configuration.drafts.publishing import NothingChanged, all_findings, publish, unpublished_changes
from configuration.models import DraftRule, Property
from configuration.pages.property_page import POST, PropertyPage, property_page
from configuration.rule_models import newest_version
from configuration.ruleset.describe import describe_rule
from configuration.ruleset.document import encode_document
from configuration.ruleset.kinds import BY_TAG, KINDS


@property_page("rules", in_admin=True)
def rules(page: PropertyPage) -> HttpResponse:
    return page.show(
        "admin/rules/rules.html",
        title="Rules",
        kinds=_kinds(page.property),
        states=DraftRule.State.choices,
        **draft_state(page.property),
    )


@property_page("rules", in_admin=True)
def check(page: PropertyPage) -> HttpResponse:
    return _show_findings(page, all_findings(draft(page.property)))


@property_page("rules", methods=POST, in_admin=True)
def publish_draft(page: PropertyPage) -> HttpResponse:
    request = page.request
    try:
        version = publish(page.property, request.user, request.POST.get("note", ""), request.POST.get("etag", ""))
    except Unacceptable as error:
        return _show_findings(page, error.findings, status=400)
    except (DraftChanged, NothingChanged) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Version {version.number} is published: new hits are counted by it within seconds.")
    return redirect("rules", page.property.pk)


@property_page("rules", in_admin=True)
def export(page: PropertyPage) -> HttpResponse:
    return as_file(encode_document(draft(page.property)), f"rules-{page.property.pk}-draft.json")


def as_file(content: bytes, name: str) -> HttpResponse:
    return HttpResponse(
        content,
        content_type="application/json",
        headers={"Content-Disposition": format_html('attachment; filename="{}"', name)},
    )


def draft_state(property: Property) -> dict[str, Any]:
    """Returns what the banner shows: the version in force, and what publishing would change."""
    return {
        "changes": unpublished_changes(property),
        "newest": newest_version(property.pk),
        "etag": draft_etag(property),
        "settings": property.draft_settings(),
    }


def _kinds(property: Property) -> list[dict[str, Any]]:
    rows: dict[str, list[dict[str, Any]]] = {kind.tag: [] for kind in KINDS}
    for row in property.draft_rules.order_by("position", "pk"):
        rows[row.kind].append({"row": row, "sentence": describe_rule(rule_of(row))})
    return [{"kind": kind, "slug": slug_of(kind.tag), "rules": rows[kind.tag]} for kind in KINDS]


def slug_of(tag: str) -> str:
    return tag.replace(" ", "-")


def _show_findings(page: PropertyPage, found: list[Finding], status: int = 200) -> HttpResponse:
    rows = {(row.kind, row.name): row.pk for row in page.property.draft_rules.all()}
    lines = [
        {
            "error": finding.severity == "error",
            "message": finding.message,
            "title": f"{BY_TAG[finding.kind].one} “{finding.rule}”" if finding.kind in BY_TAG else "Settings",
            "rule": rows.get((finding.kind, finding.rule)),
        }
        for finding in found
    ]
    return page.show(
        "admin/rules/check.html",
        status,
        title="Check",
        findings=lines,
        errors=sum(line["error"] for line in lines),
        **draft_state(page.property),
    )
