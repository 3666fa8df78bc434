"""Pages on the history of rules: applying them to the past, the progress of a run, and what it changed."""

from datetime import date
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from configuration.drafts.publishing import published, unpublished_changes
from configuration.models import Property
from configuration.numbers import parse_number
from configuration.pages.property_page import POST, PropertyPage, property_page
from configuration.rule_models import RulesVersion
from configuration.ruleset.ruleset import Ruleset
from processing.models import HistoryRun
from processing.reprocessing.run_requests import RunRefused
from processing.segments.read_view import ReadView
from reporting.clock import now_in
from reporting.dashboard.period_picker import CUSTOM, Choice, ChosenPeriod, choose, choose_days
from reporting.model.date_ranges import EARLIEST
from reporting.read_access import view_of
from reporting.rules import run_status as runs
from reporting.rules.before_after import run_comparison, run_views
from reporting.rules.presenters import comparison_panel

LATEST_RUNS: Final = 50


@property_page("rules-history")
def history(page: PropertyPage) -> HttpResponse:
    return _show_history(page)


@property_page("rules-history")
def confirm(page: PropertyPage) -> HttpResponse:
    """Says what the run would do, before it is started."""
    view, rules = view_of(page.property.pk), published(page.property.pk)
    if rules is None:
        return _show_history(page, 409, error="This property has no published rules. Publish its draft first.")
    days = _some_days(page, view)
    return page.show(
        "reporting/rules/confirm.html",
        days=days,
        version=_version(page.property, rules.number),
        unpublished=bool(unpublished_changes(page.property)),
        rows=f"{_raw_rows(view):,}",
        kept=days and _differs_in_settings(rules, view),
        expired=bool(view.sealed.manifest.raw_from_us),
    )


@property_page("rules-history", methods=POST)
def apply(page: PropertyPage) -> HttpResponse:
    number = parse_number(page.request.POST.get("rules", ""))
    if number is None:
        raise Http404
    days = _some_days(page, view_of(page.property.pk))
    try:
        run = runs.start_run(page.property.pk, page.request.user, days, number)
    except RunRefused as error:
        return _show_history(page, 409, error=str(error))
    return redirect("rules-run", page.property.pk, run.pk)


@property_page("rules-history")
def run(page: PropertyPage, run_id: int) -> HttpResponse:
    """One run; once it is done, also what it changed on its last days or on the days that the address names."""
    run = _run(page, run_id)
    context = _run_context(run)
    views = run_views(run)
    if views is None:
        return page.show("reporting/rules/run.html", **context)
    today = now_in(views.zone).date()
    asked = {"from", "to"} & page.request.GET.keys()
    choice = choose_days(page.request.GET, today) if asked else Choice(CUSTOM, ChosenPeriod(*views.days))
    days = choice.period
    comparison = run_comparison(run, days)
    return page.show(
        "reporting/rules/run.html",
        **context,
        complaint=choice.complaint,
        compared=comparison and comparison_panel(comparison, views.zone),
        first=days.first,
        last=days.last,
        today=today,
        zone=views.zone,
    )


@property_page("rules-history")
def progress(page: PropertyPage, run_id: int) -> HttpResponse:
    return page.show("reporting/rules/_run.html", **_run_context(_run(page, run_id)))


@property_page("rules-history", methods=POST)
def request_action(page: PropertyPage, run_id: int, action: str) -> HttpResponse:
    run = _run(page, run_id)
    try:
        runs.apply_action(run, action, page.request.user)
    except RunRefused as error:
        return page.show("reporting/rules/run.html", 409, **_run_context(run), error=str(error))
    return redirect("rules-run", page.property.pk, run.pk)


def _show_history(page: PropertyPage, status: int = 200, error: str = "") -> HttpResponse:
    view = view_of(page.property.pk)
    rules = published(page.property.pk)
    today = now_in(view.zone).date()
    return page.show(
        "reporting/rules/history.html",
        status,
        error=error,
        today=today,
        first=max(view.first_received, EARLIEST) if view.first_received < date.max else today,
        version=_version(page.property, rules.number) if rules else None,
        unpublished=bool(unpublished_changes(page.property)),
        runs=[_run_context(run) for run in HistoryRun.objects.filter(property=page.property.pk)[:LATEST_RUNS]],
    )


def _some_days(page: PropertyPage, view: ReadView) -> ChosenPeriod | None:
    """Returns the chosen days, None for all days. Not found if only some days were to be chosen and none are named."""
    form = page.request.POST if page.request.method == "POST" else page.request.GET
    if form.get("days") != "some":
        return None
    choice = choose(form, now_in(view.zone).date())
    if choice.name != CUSTOM:
        raise Http404
    return choice.period


def _version(item: Property, number: int) -> RulesVersion:
    version: RulesVersion = RulesVersion.objects.get(property_number=item.pk, number=number)
    return version


def _raw_rows(view: ReadView) -> int:
    tail = view.tail.events.height + view.tail.rejected.height
    return tail + sum(part.ref.rows for part in view.sealed.manifest.raw)


def _differs_in_settings(rules: Ruleset, view: ReadView) -> bool:
    """Returns whether the rules have another zone, currency or threshold, which change for all days together only."""
    manifest, settings = view.sealed.manifest, rules.settings
    of_rules = (settings.zone, settings.session_timeout_s * 1000, settings.engaged_s * 1000, settings.currency)
    return of_rules != (manifest.zone, manifest.timeout_ms, manifest.engaged_ms, manifest.currency)


def _run_context(run: HistoryRun) -> dict[str, Any]:
    return {
        "run": run,
        "state": run.get_state_display(),
        "status": runs.status(run),
        "percent": round(100 * runs.share(run)),
        "moving": runs.is_moving(run),
        "offers": runs.offers(run),
    }


def _run(page: PropertyPage, run_id: int) -> HistoryRun:
    return get_object_or_404(HistoryRun, property=page.property.pk, pk=run_id)
