"""Requests of users for runs, which apply rules to the history of a property: begin, pause, resume, cancel, roll back.

The worker acts on them: see runs.py.
"""

from datetime import date

from django.db import IntegrityError, transaction

from configuration import clock
from configuration.models import Property
from configuration.ruleset.ruleset import Ruleset, encode_ruleset, ruleset_name
from processing.models import HistoryRun
from processing.sessions.local_periods import latest_day
from processing.store.port import Store

State, RequestedAction = HistoryRun.State, HistoryRun.RequestedAction


class RunRefused(Exception):
    """The run cannot be started, or not be changed in this way; the message says why and what to do."""


def create_run(store: Store, rules: Ruleset, author: str, days: tuple[date, date] | None = None) -> HistoryRun:
    """Creates a run that applies the rules to these local days, None: to all. Raises RunRefused."""
    if rules.number == 0:
        raise RunRefused("Publish the rules first: only a published version can be applied to history.")
    if days and days[0] > days[1]:
        raise RunRefused(f"The first day, {days[0]}, is after the last, {days[1]}.")
    if days and days[1] > (latest := latest_day(rules.settings.zone, clock.now())):
        raise RunRefused(f"{days[1]} is after tomorrow: there are no hits of that day. Choose {latest} or earlier.")
    if Property.with_deleted.filter(pk=rules.property).exclude(deleted_at=None).exists():
        raise RunRefused("This property is being deleted.")
    store.put_context(ruleset_name(rules.property, rules.number), encode_ruleset(rules))
    first, last = days or (None, None)
    try:
        with transaction.atomic():
            return HistoryRun.objects.create(
                property=rules.property, rules=rules.number, first=first, last=last, author=author
            )
    except IntegrityError as error:
        raise RunRefused("Rules are being applied to this property already: wait for it, or cancel it.") from error


def request_action(run: HistoryRun, action: HistoryRun.RequestedAction) -> None:
    """Requests that the run be paused, cancelled or rolled back, or that it go on (NONE). Raises RunRefused."""
    with transaction.atomic():
        run = HistoryRun.objects.select_for_update().get(pk=run.pk)
        if action == RequestedAction.UNDO:
            check_undo(run)
        elif run.state not in HistoryRun.ACTIVE:
            raise RunRefused(f"The run is over: {run.get_state_display().lower()}.")
        if action == RequestedAction.CANCEL and run.state != State.RUNNING:
            cancel_runs(run.property)
            return
        run.wish = action
        if action == RequestedAction.NONE and run.state == State.PAUSED:
            run.state = State.WAITING
        run.save(update_fields=["wish", "state"])


def cancel_runs(property: int) -> None:
    """Cancels the property's active run. One that nobody carries out ends at once, however busy the worker is; the
    worker removes what it has built. Call it in a transaction.
    """
    active = HistoryRun.objects.filter(property=property)
    active.filter(state=State.RUNNING).update(wish=RequestedAction.CANCEL)
    active.filter(state__in=(State.WAITING, State.PAUSED)).update(
        state=State.CANCELLED, wish=RequestedAction.NONE, tasks="", finished_at=clock.now()
    )


def check_undo(run: HistoryRun) -> None:
    """Raises RunRefused if the run cannot be rolled back, or not now."""
    if run.state != State.DONE or run.replaced is None:
        raise RunRefused(
            "There is nothing to roll back to: the numbers from before are kept for 7 days, and not past an erasure."
        )
    if HistoryRun.objects.filter(property=run.property, state__in=HistoryRun.ACTIVE).exists():
        raise RunRefused("Rules are being applied to this property: cancel that first.")
    newest = HistoryRun.objects.filter(property=run.property, state=State.DONE, replaced__isnull=False)
    if newest.order_by("-finished_at").first() != run:
        raise RunRefused("Rules were applied again since: roll that back first.")
