"""Published versions: list, one of them, two compared, one published again; and the audit log."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from configuration.drafts.draft import Unacceptable, draft
from configuration.drafts.publishing import NoSuchVersion, NothingChanged, publish_again, published
from configuration.models import Property
from configuration.numbers import LARGEST_NUMBER, parse_number
from configuration.pages.property_page import POST, PropertyPage, property_page
from configuration.pages.rules import as_file, draft_state
from configuration.rule_models import AuditEntry, RulesVersion, newest_version
from configuration.ruleset.describe import describe_rule
from configuration.ruleset.diff import differences
from configuration.ruleset.document import encode_document
from configuration.ruleset.kinds import KINDS, kind_of
from configuration.ruleset.ruleset import Rule, Ruleset

AT_ONCE: Final = 100
DRAFT: Final = "draft"


@property_page("rules-versions", in_admin=True)
def versions(page: PropertyPage) -> HttpResponse:
    rows = RulesVersion.objects.filter(property_number=page.property.pk, number__lt=_before(page)).order_by("-number")
    shown = list(rows[: AT_ONCE + 1])
    return page.show(
        "admin/rules/versions.html",
        title="Versions",
        versions=shown[:AT_ONCE],
        older=len(shown) > AT_ONCE and shown[AT_ONCE - 1].number,
        **draft_state(page.property),
    )


@property_page("rules-versions", in_admin=True)
def version(page: PropertyPage, version: int) -> HttpResponse:
    number = page.property.pk
    row = _version(page.property, version)
    ruleset = row.ruleset()
    if page.request.GET.get("format") == "json":
        return as_file(encode_document(ruleset), f"rules-{number}-{version}.json")
    rules: dict[str, list[tuple[Rule, str]]] = {}
    for rule in ruleset.rules:
        rules.setdefault(kind_of(rule), []).append((rule, describe_rule(rule)))
    return page.show(
        "admin/rules/version.html",
        title=f"Version {version}",
        version=row,
        newest=newest_version(number),
        settings=ruleset.settings,
        changes=differences(published(number, version - 1) or Ruleset(number), ruleset),
        kinds=[(kind, rules[kind.tag]) for kind in KINDS if kind.tag in rules],
    )


@property_page("rules-versions", in_admin=True)
def compare(page: PropertyPage) -> HttpResponse:
    """Shows how two rulesets differ; `from` and `to` are numbers of versions, or "draft"."""
    old, new = (page.request.GET.get(name, "") for name in ("from", "to"))
    lines = differences(_ruleset(page.property, old), _ruleset(page.property, new))
    context: dict[str, Any] = {"from": old, "to": new, "is_draft": new == DRAFT, "lines": lines}
    return page.show("admin/rules/compare.html", title="Compare", **context)


@property_page("rules-versions", methods=POST, in_admin=True)
def again(page: PropertyPage, version: int) -> HttpResponse:
    try:
        made = publish_again(page.property, version, page.request.user, page.request.POST.get("note", ""))
    except NoSuchVersion as error:
        raise Http404 from error
    except (NothingChanged, Unacceptable) as error:
        messages.error(page.request, str(error))
        return redirect("rules-version", page.property.pk, version)
    messages.success(page.request, f"Version {version} is published again, as version {made.number}.")
    return redirect("rules-versions", page.property.pk)


@property_page("rules-audit", in_admin=True)
def audit(page: PropertyPage) -> HttpResponse:
    rows = AuditEntry.objects.filter(property_number=page.property.pk, pk__lt=_before(page)).order_by("-pk")
    shown = list(rows[: AT_ONCE + 1])
    return page.show(
        "admin/rules/audit.html",
        title="Audit log",
        entries=shown[:AT_ONCE],
        older=len(shown) > AT_ONCE and shown[AT_ONCE - 1].pk,
    )


def _ruleset(property: Property, name: str) -> Ruleset:
    return draft(property) if name == DRAFT else _version(property, _number(name)).ruleset()


def _version(property: Property, number: int) -> RulesVersion:
    found: RulesVersion = get_object_or_404(RulesVersion, property_number=property.pk, number=number)
    return found


def _before(page: PropertyPage) -> int:
    return _number(page.request.GET.get("before", str(LARGEST_NUMBER)))


def _number(text: str) -> int:
    number = parse_number(text)
    if number is None:
        raise Http404
    return number
