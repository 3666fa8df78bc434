"""Runs apply rules to the history of a property. They can be paused, cancelled and rolled back.

Each step is recorded before the next one begins, in the draft's manifest or in the run, so that a run continues after a
crash.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from django.db import IntegrityError, transaction

from configuration import clock
from configuration.models import Property
from configuration.ruleset.ruleset import Ruleset, decode_ruleset, encode_ruleset, ruleset_name
from processing.engine import Engine, Stopped, TaskFailed
from processing.models import HistoryRun, LogSource
from processing.receiving import ledger
from processing.reprocessing.claim_unassigned import claim, release
from processing.reprocessing.generations import (
    CannotRebuild,
    DraftGeneration,
    NothingToRebuild,
    catch_up,
    live_manifest,
    open_draft,
    remove_generation,
    swap,
)
from processing.reprocessing.rebuild import LocalDays, RebuildTask, add_rebuilt_days, finish_draft, rebuild_days, start
from processing.segments.column_cache import ONCE_BYTES, ColumnCache
from processing.segments.seal import seal
from processing.sessions.local_periods import day_number, latest_day
from processing.store.port import Conflict, Store

logger = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(days=7)
State, RequestedAction = HistoryRun.State, HistoryRun.RequestedAction

_tasks: Final = msgspec.json.Decoder(list[RebuildTask])


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
        run.wish = action
        if action == RequestedAction.NONE and run.state == State.PAUSED:
            run.state = State.WAITING
        run.save(update_fields=["wish", "state"])


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


class HistoryRunner:
    """Carries out the runs. Only one may work on a store at a time."""

    def __init__(self, store: Store, url: str, engine: Callable[[], Engine], clock: Callable[[], datetime]) -> None:
        """`url` is the store's address, for the engine's workers."""
        self._store, self._url, self._engine, self._clock = store, url, engine, clock
        self._on_progress: Callable[[HistoryRun], None] = lambda _: None

    def work(self, stop: Callable[[], bool], on_progress: Callable[[HistoryRun], None] = lambda _: None) -> int:
        """Carries out all runs and requested actions that there are now, until `stop`. Returns how many runs ended."""
        ended, self._on_progress = 0, on_progress
        for run in HistoryRun.objects.filter(wish=RequestedAction.UNDO, state=State.DONE).order_by("pk"):
            ended += self._undo(run)
        for run in HistoryRun.objects.filter(state__in=(State.WAITING, State.RUNNING)).order_by("pk"):
            if not stop():
                ended += self._advance(run, stop)
        for run in HistoryRun.objects.filter(state=State.PAUSED, wish=RequestedAction.CANCEL):
            self._end_without_result(run, State.CANCELLED)
        return ended

    def active_properties(self) -> set[int]:
        """Returns the properties whose raw rows are being read, or will be soon: their raw parts must not be merged."""
        active = HistoryRun.objects.filter(state__in=HistoryRun.ACTIVE)
        to_undo = HistoryRun.objects.filter(wish=RequestedAction.UNDO)
        return set((active | to_undo).values_list("property", flat=True))

    def writing_properties(self) -> set[int]:
        """Returns the properties for which segments are being written that no manifest names yet."""
        return set(HistoryRun.objects.filter(state=State.RUNNING).values_list("property", flat=True))

    def expire_generations(self) -> None:
        """Removes generations that were replaced or rolled back a week ago. Their runs cannot be rolled back then."""
        old = HistoryRun.objects.filter(finished_at__lt=self._clock() - KEPT_FOR)
        for run in old.filter(state=State.DONE, replaced__isnull=False):
            remove_generation(self._store, run.property, _existing(run.replaced))
            _save(run, replaced=None)
        for run in old.filter(state=State.UNDONE, generation__isnull=False):
            remove_generation(self._store, run.property, _existing(run.generation))
            _save(run, generation=None)

    def _advance(self, run: HistoryRun, stop: Callable[[], bool]) -> bool:
        """Takes the run as far as it goes. Returns whether it ended."""
        if run.state == State.WAITING:
            _save(run, state=State.RUNNING, started_at=run.started_at or self._clock())
        try:
            if run.generation is None:
                self._plan(run)
            if self._store.live(run.property) != run.generation:
                self._rebuild(run, lambda: stop() or _requested_action(run) != RequestedAction.NONE)
                self._go_live(run)
            release(self._store, run.property)
        except Stopped:
            return self._stopped(run)
        except (CannotRebuild, NothingToRebuild) as error:
            self._fail(run, str(error))
        except TaskFailed as error:
            logger.exception("a task of applying rules %d to property %d failed", run.rules, run.property)
            self._fail(run, f"It failed; the worker's output says more: {error.text}")
        else:
            _save(run, state=State.DONE, finished_at=self._clock(), tasks="", rows_done=run.rows)
        return True

    def _plan(self, run: HistoryRun) -> None:
        """Writes the draft generation and the tasks that fill it."""
        rules = decode_ruleset(self._store.context(ruleset_name(run.property, run.rules)))
        if self._store.manifest(run.property) is None:
            seal(self._store, ColumnCache(self._store, ONCE_BYTES), run.property)
        if item := Property.objects.filter(pk=run.property).first():
            claim(self._store, run.property, item.measurement_id, rules.settings)
        self._remove_strays(run.property)
        with suppress(Conflict):  # then the worker is sealing the property itself
            seal(self._store, ColumnCache(self._store, ONCE_BYTES), run.property)
        draft, tasks = start(self._store, self._url, run.property, rules, _local_days(run))
        rows = sum(part.ref.rows for task in tasks for part in task.parts)
        _save(run, generation=draft.generation, rows=rows, tasks=msgspec.json.encode(tasks).decode())

    def _remove_strays(self, property: int) -> None:
        """Removes generations of a run that crashed before it had recorded them."""
        runs = HistoryRun.objects.filter(property=property)
        recorded = {number for pair in runs.values_list("generation", "replaced") for number in pair}
        for generation in set(self._store.generations(property)) - recorded - {self._store.live(property)}:
            remove_generation(self._store, property, generation)

    def _rebuild(self, run: HistoryRun, stop: Callable[[], bool]) -> None:
        """Carries out the tasks that are left. Raises Stopped, TaskFailed."""
        draft = open_draft(self._store, run.property, _existing(run.generation))
        if draft.manifest.rebuilt_days is None:  # it was finished before a crash
            return
        tasks = _tasks.decode(run.tasks)
        left = [number for number in range(len(tasks)) if number not in draft.manifest.rebuilt_days]
        self._report(run, tasks, draft)
        engine = self._engine()
        try:
            for index, rebuilt in engine.run(rebuild_days, [tasks[number] for number in left], stop):
                draft = add_rebuilt_days(self._store, run.property, draft, left[index], rebuilt)
                self._report(run, tasks, draft)
        finally:
            engine.close()
        finish_draft(self._store, run.property, draft, _local_days(run))

    def _report(self, run: HistoryRun, tasks: list[RebuildTask], draft: DraftGeneration) -> None:
        rows = sum(part.ref.rows for number in draft.manifest.rebuilt_days or () for part in tasks[number].parts)
        _save(run, rows_done=rows)
        self._on_progress(run)

    def _go_live(self, run: HistoryRun) -> None:
        generation, numbers = _existing(run.generation), ordinals()
        # Most of the catching up is done before the swap, which repeats it for what arrives meanwhile.
        catch_up(self._store, run.property, open_draft(self._store, run.property, generation), numbers)
        _save(run, replaced=live_manifest(self._store, run.property).generation)
        swap(self._store, run.property, generation, numbers)

    def _undo(self, run: HistoryRun) -> bool:
        try:
            if self._store.live(run.property) != run.replaced:
                swap(self._store, run.property, _existing(run.replaced), ordinals())
        except CannotRebuild as error:
            _save(run, wish=RequestedAction.NONE, error=str(error))
            return False
        _save(run, wish=RequestedAction.NONE, state=State.UNDONE, finished_at=self._clock())
        return True

    def _stopped(self, run: HistoryRun) -> bool:
        """Pauses or cancels the run if that was requested; otherwise the worker stops, and the run goes on later."""
        action = _requested_action(run)
        if action == RequestedAction.PAUSE:
            _save(run, state=State.PAUSED, wish=RequestedAction.NONE)
        if action == RequestedAction.CANCEL:
            self._end_without_result(run, State.CANCELLED)
        return action == RequestedAction.CANCEL

    def _fail(self, run: HistoryRun, error: str) -> None:
        logger.warning("applying rules %d to property %d failed: %s", run.rules, run.property, error)
        self._end_without_result(run, State.FAILED, error)

    def _end_without_result(self, run: HistoryRun, state: HistoryRun.State, error: str = "") -> None:
        if run.generation is not None:
            remove_generation(self._store, run.property, run.generation)
        _save(
            run, state=state, wish=RequestedAction.NONE, error=error.replace("\0", ""), tasks="", generation=None,
            replaced=None, finished_at=self._clock(),
        )  # fmt: skip


def ordinals() -> dict[str, int]:
    """Returns the number of each log in positions."""
    return {log: ledger.ordinal(log) for log in LogSource.objects.values_list("log", flat=True)}


def _requested_action(run: HistoryRun) -> str:
    return HistoryRun.objects.values_list("wish", flat=True).get(pk=run.pk)


def _save(run: HistoryRun, **values: object) -> None:
    for name, value in values.items():
        setattr(run, name, value)
    run.save(update_fields=list(values))


def _local_days(run: HistoryRun) -> LocalDays | None:
    return (day_number(run.first), day_number(run.last)) if run.first and run.last else None


def _existing(generation: int | None) -> int:
    if generation is None:
        raise CannotRebuild("The generation is no longer there.")
    return generation
