"""Published versions: list, one of them, two compared, one published again; and the audit log."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from configuration.drafts.draft import Unacceptable, draft
from configuration.drafts.publishing import NoSuchVersion, NothingChanged, publish_again, published
from configuration.models import Property
from configuration.pages.frame import LARGEST_NUMBER, rules_page, show
from configuration.pages.rules import as_file, draft_state
from configuration.rule_models import AuditEntry, RulesVersion, newest_version
from configuration.ruleset.describe import describe_rule
from configuration.ruleset.diff import differences
from configuration.ruleset.document import encode_document
from configuration.ruleset.kinds import KINDS, kind_of
from configuration.ruleset.ruleset import Ruleset

AT_ONCE: Final = 100


@rules_page
@require_safe
def versions(request: HttpRequest, property: Property) -> HttpResponse:
    rows = RulesVersion.objects.filter(property_number=property.pk, number__lt=_before(request)).order_by("-number")
    shown = list(rows[: AT_ONCE + 1])
    context: dict[str, Any] = {"versions": shown[:AT_ONCE], "older": len(shown) > AT_ONCE and shown[AT_ONCE - 1].number}
    return show(request, property, "versions.html", "Versions", "rules-versions", **context, **draft_state(property))


@rules_page
@require_safe
def version(request: HttpRequest, property: Property, version: int) -> HttpResponse:
    row = _version(property, version)
    ruleset = row.ruleset()
    if request.GET.get("format") == "json":
        return as_file(encode_document(ruleset), f"rules-{property.pk}-{version}.json")
    before = published(property.pk, version - 1) or Ruleset(property.pk)
    context: dict[str, Any] = {
        "version": row,
        "newest": newest_version(property.pk),
        "basics": ruleset.basics,
        "changes": differences(before, ruleset),
        "kinds": [(kind, _said(ruleset, kind.tag)) for kind in KINDS if _said(ruleset, kind.tag)],
    }
    return show(request, property, "version.html", f"Version {version}", "rules-versions", **context)


@rules_page
@require_safe
def compare(request: HttpRequest, property: Property) -> HttpResponse:
    """`from` and `to` are numbers of versions, or "draft"."""
    old, new = (request.GET.get(name, "") for name in ("from", "to"))
    context: dict[str, Any] = {"from": old, "to": new, "is_draft": new == "draft"}
    lines = differences(_ruleset(property, old), _ruleset(property, new))
    return show(request, property, "compare.html", "Compare", "rules-versions", lines=lines, **context)


@rules_page
@require_POST
def again(request: HttpRequest, property: Property, version: int) -> HttpResponse:
    try:
        made = publish_again(property, version, request.user, request.POST.get("note", ""))
    except NoSuchVersion as error:
        raise Http404 from error
    except (NothingChanged, Unacceptable) as error:
        messages.error(request, str(error))
        return redirect("rules-version", property.pk, version)
    messages.success(request, f"Version {version} is published again, as version {made.number}.")
    return redirect("rules-versions", property.pk)


@rules_page
@require_safe
def audit(request: HttpRequest, property: Property) -> HttpResponse:
    rows = AuditEntry.objects.filter(property_number=property.pk, pk__lt=_before(request)).order_by("-pk")
    shown = list(rows[: AT_ONCE + 1])
    context: dict[str, Any] = {"entries": shown[:AT_ONCE], "older": len(shown) > AT_ONCE and shown[AT_ONCE - 1].pk}
    return show(request, property, "audit.html", "Audit log", "rules-audit", **context)


def _ruleset(property: Property, which: str) -> Ruleset:
    if which == "draft":
        return draft(property)
    return _version(property, _number(which)).ruleset()


def _version(property: Property, number: int) -> RulesVersion:
    found: RulesVersion | None = RulesVersion.objects.filter(property_number=property.pk, number=number).first()
    if found is None:
        raise Http404
    return found


def _before(request: HttpRequest) -> int:
    return _number(request.GET.get("before", str(LARGEST_NUMBER)))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or int(text) > LARGEST_NUMBER:
        raise Http404
    return int(text)


def _said(ruleset: Ruleset, tag: str) -> list[tuple[Any, str]]:
    return [(rule, describe_rule(rule)) for rule in ruleset.rules if kind_of(rule) == tag]
