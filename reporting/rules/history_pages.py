"""Pages on history: asking for rules to be applied to the past, how a run is getting on, what it changed."""

from datetime import date
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from configuration.drafts.publishing import published, unpublished_changes
from configuration.models import Property
from configuration.rule_models import RulesVersion
from configuration.ruleset.ruleset import Ruleset
from processing.models import HistoryRun
from processing.reprocessing.runs import RunRefused
from processing.segments.read_view import ReadView
from reporting.clock import now_in
from reporting.dashboard.period_picker import CUSTOM, ChosenPeriod, choose
from reporting.model.date_ranges import EARLIEST
from reporting.read_access import view_of
from reporting.rules import run_status as runs
from reporting.rules.before_after import before_after, sides
from reporting.rules.page_frame import MOST_DIGITS, RulesPage, chosen_days, is_number, page
from reporting.rules.presenters import comparison_panel

RUNS: Final = 50


@require_GET
@page("rules-history")
def history(here: RulesPage) -> HttpResponse:
    return _history(here)


@require_GET
@page("rules-history")
def confirm(here: RulesPage) -> HttpResponse:
    """Says what asking for a run would do."""
    view, rules = view_of(here.property.pk), published(here.property.pk)
    if rules is None:
        return _history(here, 409, error="This property has no published rules. Publish its draft first.")
    days = _some_days(here, view)
    return here.show(
        "confirm.html",
        days=days,
        version=_version(here.property, rules.number),
        unpublished=bool(unpublished_changes(here.property)),
        rows=f"{_raw_rows(view):,}",
        kept=days and _kept_basics(rules, view),
        expired=bool(view.sealed.book.raw_from_us),
    )


@require_POST
@page("rules-history")
def apply(here: RulesPage) -> HttpResponse:
    number = here.request.POST.get("rules", "")
    if not is_number(number):
        raise Http404
    days = _some_days(here, view_of(here.property.pk))
    try:
        run = runs.start_run(here.property.pk, here.request.user, days, int(number))
    except RunRefused as error:
        return _history(here, 409, error=str(error))
    return redirect("rules-run", here.property.pk, run.pk)


@require_GET
@page("rules-history")
def run(here: RulesPage, run_id: int) -> HttpResponse:
    """One run; when it is done, with what it changed on the last days, or on others that are chosen."""
    found = _run(here.property, run_id)
    context = _run_context(found)
    both = sides(found)
    if both is None:
        return here.show("run.html", **context)
    now = now_in(both.after.zone)
    given = "from" in here.request.GET
    period = chosen_days(here.request, now.date()) if given else ChosenPeriod(*both.days)
    compared = before_after(found, period)
    panel = compared and comparison_panel(compared, both.after.zone)
    return here.show(
        "run.html",
        **context,
        compared=panel,
        first=period.first,
        last=period.last,
        today=now.date(),
        zone=both.after.zone,
    )


@require_GET
@page("rules-history")
def progress(here: RulesPage, run_id: int) -> HttpResponse:
    return here.show("_run.html", **_run_context(_run(here.property, run_id)))


@require_POST
@page("rules-history")
def want(here: RulesPage, run_id: int, wish: str) -> HttpResponse:
    found = _run(here.property, run_id)
    try:
        runs.apply_action(found, wish, here.request.user)
    except RunRefused as error:
        return here.show("run.html", 409, **_run_context(found), error=str(error))
    return redirect("rules-run", here.property.pk, found.pk)


def _history(here: RulesPage, status: int = 200, error: str = "") -> HttpResponse:
    view = view_of(here.property.pk)
    number = published(here.property.pk)
    return here.show(
        "history.html",
        status,
        error=error,
        today=now_in(view.zone).date(),
        first=max(view.begins, EARLIEST) if view.begins < date.max else now_in(view.zone).date(),
        version=_version(here.property, number.number) if number else None,
        unpublished=bool(unpublished_changes(here.property)),
        runs=[_run_context(each) for each in HistoryRun.objects.filter(property=here.property.pk)[:RUNS]],
    )


def _some_days(here: RulesPage, view: ReadView) -> ChosenPeriod | None:
    """None: all days."""
    asked = here.request.POST if here.request.method == "POST" else here.request.GET
    if asked.get("days") != "some":
        return None
    choice = choose(asked, now_in(view.zone).date())
    if choice.name != CUSTOM:
        raise Http404
    return choice.period


def _version(item: Property, number: int) -> RulesVersion:
    found: RulesVersion = RulesVersion.objects.get(property_number=item.pk, number=number)
    return found


def _raw_rows(view: ReadView) -> int:
    tail = view.tail.events.height + view.tail.rejected.height
    return tail + sum(part.place.rows for part in view.sealed.book.raw)


def _kept_basics(rules: Ruleset, view: ReadView) -> bool:
    """Whether the rules have another zone or other limits, which some days alone cannot have."""
    book, basics = view.sealed.book, rules.basics
    theirs = (basics.zone, basics.session_timeout_s * 1000, basics.engaged_s * 1000, basics.currency)
    return theirs != (book.zone, book.timeout_ms, book.engaged_ms, book.currency)


def _run_context(found: HistoryRun) -> dict[str, Any]:
    return {
        "run": found,
        "state": found.get_state_display(),
        "said": runs.status(found),
        "percent": round(100 * runs.share(found)),
        "moving": runs.is_moving(found),
        "offers": runs.offers(found),
    }


def _run(item: Property, number: int) -> HistoryRun:
    if number >= 10**MOST_DIGITS:
        raise Http404
    return get_object_or_404(HistoryRun, property=item.pk, pk=number)
