"""Pages on rules: a hit on trial, and what a draft would change."""

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods

from configuration.drafts.publishing import next_rules, published, unpublished_changes
from configuration.models import Property
from configuration.rule_models import RulesVersion
from configuration.ruleset.ruleset import Ruleset
from processing.dry_run.pasted_hit import UnreadablePaste
from reporting.clock import now_in
from reporting.read_access import view_of
from reporting.rules.before_after import NoComparison, previewed, with_testing_on
from reporting.rules.hit_test import HitTest, NoSuchHit, evaluate_pasted_hit, evaluate_received_hit, recent_hits
from reporting.rules.page_frame import RulesPage, chosen_days, is_number, is_staff, page
from reporting.rules.presenters import comparison_panel, picks_panel, trial_panel

VERSIONS: Final = 20
DRAFT: Final = "draft"
MOST_DIGITS: Final = 20


@require_GET
@page("")
def home(here: RulesPage) -> HttpResponse:
    """On to the rules themselves, or to what else there is for who may not open the admin."""
    return redirect("rules" if is_staff(here.request) else "rules-preview", here.property.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@page("rules-try")
def try_hit(here: RulesPage) -> HttpResponse:
    """GET with `position`: a hit that was received. POST: a pasted one."""
    request, view = here.request, view_of(here.property.pk)
    asked = request.POST if request.method == "POST" else request.GET
    rules = _chosen_rules(here.property, asked.get("rules", DRAFT))
    counted, rejected = recent_hits(view, now_in(view.zone).date())
    frame: dict[str, Any] = {
        "asked": asked,
        "versions": RulesVersion.objects.filter(property_number=here.property.pk).order_by("-number")[:VERSIONS],
        "picks": [
            {"title": "The latest hits that are counted", "hits": picks_panel(counted, view.zone)},
            {"title": "The latest rejected hits", "hits": picks_panel(rejected, view.zone)},
        ],
        "agent": asked.get("user_agent", request.headers.get("User-Agent", "")),
        "address": asked.get("address", request.META.get("REMOTE_ADDR", "")),
    }
    try:
        trial = _trial(here, rules)
    except (UnreadablePaste, NoSuchHit) as error:
        return here.show("try.html", 400, **frame, error=str(error))
    return here.show("try.html", **frame, trial=trial and trial_panel(trial, rules))


@require_GET
@page("rules-preview")
def preview(here: RulesPage) -> HttpResponse:
    """With `from` and `to`, the preview itself; with `part` nothing but that."""
    view = view_of(here.property.pk)
    now = now_in(view.zone)
    period = chosen_days(here.request, now.date())
    asked: dict[str, Any] = {"first": period.first, "last": period.last, "testing": "testing" in here.request.GET}
    template = "_comparison.html" if "part" in here.request.GET else "preview.html"
    frame: dict[str, Any] = {
        **asked,
        "today": now.date(),
        "zone": view.zone,
        "changes": unpublished_changes(here.property),
    }
    if "from" not in here.request.GET:
        return here.show(template, **frame)
    rules = next_rules(here.property)
    try:
        found = previewed(here.property.pk, with_testing_on(rules) if asked["testing"] else rules, *period)
    except NoComparison as error:
        return here.show(template, error.status, **frame, error=str(error))
    return here.show(template, **frame, compared=comparison_panel(found, view.zone), draft=True)


def _trial(here: RulesPage, rules: Ruleset) -> HitTest | None:
    """Raises NotAHit, NoSuchHit."""
    request = here.request
    if request.method == "POST":
        agent, address = request.POST.get("user_agent", ""), request.POST.get("address", "")
        return evaluate_pasted_hit(here.property, request.POST.get("hit", ""), rules, agent, address)
    if "position" not in request.GET:
        return None
    text = request.GET["position"]
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS and int(text) < 2**64):
        raise NoSuchHit("This is not the position of a hit.")
    return evaluate_received_hit(here.property.pk, int(text), rules)


def _chosen_rules(item: Property, name: str) -> Ruleset:
    found = published(item.pk, int(name)) if is_number(name) else next_rules(item) if name == DRAFT else None
    if found is None:
        raise Http404
    return found
