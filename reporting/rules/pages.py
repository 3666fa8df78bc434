"""Pages on rules: a hit test, and a preview of what the draft would change."""

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from configuration.drafts.publishing import next_rules, published, unpublished_changes
from configuration.models import Property
from configuration.numbers import parse_number
from configuration.pages.property_page import FORM, PropertyPage, property_page
from configuration.rule_models import RulesVersion
from configuration.ruleset.ruleset import Ruleset
from processing.dry_run.pasted_hit import UnreadablePaste
from reporting.clock import now_in
from reporting.dashboard.period_picker import choose_days
from reporting.read_access import view_of
from reporting.rules.before_after import NoComparison, preview_comparison, with_testing_on
from reporting.rules.hit_test import HitTest, NoSuchHit, evaluate_pasted_hit, evaluate_received_hit, recent_hits
from reporting.rules.presenters import comparison_panel, hit_test_panel, recent_hits_panel

VERSIONS: Final = 20
DRAFT: Final = "draft"
LARGEST_POSITION: Final = 2**64 - 1


@property_page("rules-preview")
def home(page: PropertyPage) -> HttpResponse:
    """Leads staff to the rules in the admin, other users to the first page that they may open."""
    return redirect("rules" if page.is_staff() else "rules-preview", page.property.pk)


@property_page("rules-try", methods=FORM)
def try_hit(page: PropertyPage) -> HttpResponse:
    """Tests a received hit (GET with `position`) or a pasted one (POST)."""
    request, view = page.request, view_of(page.property.pk)
    form = request.POST if request.method == "POST" else request.GET
    rules = _chosen_rules(page.property, form.get("rules", DRAFT))
    counted, rejected = recent_hits(view, now_in(view.zone).date())
    context: dict[str, Any] = {
        "form": form,
        "versions": RulesVersion.objects.filter(property_number=page.property.pk).order_by("-number")[:VERSIONS],
        "recent_hits": [
            {"title": "The latest hits that are counted", "hits": recent_hits_panel(counted, view.zone)},
            {"title": "The latest rejected hits", "hits": recent_hits_panel(rejected, view.zone)},
        ],
        "agent": form.get("user_agent", request.headers.get("User-Agent", "")),
        "address": form.get("address", request.META.get("REMOTE_ADDR", "")),
    }
    try:
        test = _hit_test(page, rules)
    except (UnreadablePaste, NoSuchHit) as error:
        return page.show("reporting/rules/try.html", 400, **context, error=str(error))
    return page.show("reporting/rules/try.html", **context, test=test and hit_test_panel(test, rules))


@property_page("rules-preview")
def preview(page: PropertyPage) -> HttpResponse:
    """Shows the form; with `from` and `to`, also the preview of these days; with `part`, the preview alone."""
    view = view_of(page.property.pk)
    today = now_in(view.zone).date()
    days, complaint = choose_days(page.request.GET, today)[1:]
    testing = "testing" in page.request.GET
    template = "_comparison.html" if "part" in page.request.GET else "preview.html"
    context: dict[str, Any] = {
        "complaint": complaint,
        "first": days.first,
        "last": days.last,
        "testing": testing,
        "today": today,
        "zone": view.zone,
        "changes": unpublished_changes(page.property),
    }
    if not {"from", "to"} & page.request.GET.keys():
        return page.show(f"reporting/rules/{template}", **context)
    rules = next_rules(page.property)
    try:
        comparison = preview_comparison(page.property.pk, with_testing_on(rules) if testing else rules, *days)
    except NoComparison as error:
        return page.show(f"reporting/rules/{template}", error.status, **context, error=str(error))
    panel = comparison_panel(comparison, view.zone)
    return page.show(f"reporting/rules/{template}", **context, compared=panel, draft=True)


def _hit_test(page: PropertyPage, rules: Ruleset) -> HitTest | None:
    """None if the request names no hit. Raises UnreadablePaste, NoSuchHit."""
    request = page.request
    if request.method == "POST":
        agent, address = request.POST.get("user_agent", ""), request.POST.get("address", "")
        return evaluate_pasted_hit(page.property, request.POST.get("hit", ""), rules, agent, address)
    if "position" not in request.GET:
        return None
    position = parse_number(request.GET["position"], LARGEST_POSITION)
    if position is None:
        raise NoSuchHit("This is not the position of a hit.")
    return evaluate_received_hit(page.property.pk, position, rules)


def _chosen_rules(item: Property, name: str) -> Ruleset:
    """Returns the draft, or the version with this number."""
    if name == DRAFT:
        return next_rules(item)
    number = parse_number(name)
    rules = None if number is None else published(item.pk, number)
    if rules is None:
        raise Http404
    return rules
