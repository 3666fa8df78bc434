"""Carries out the runs that apply rules to the history of a property (requested in run_requests.py).

Each step is recorded before the next one begins, in the draft's manifest or in the run, so that a run continues after a
crash. A run that fails stops no other one: it is tried again, MAX_ATTEMPTS times where the error is unexpected.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import msgspec
from django.db import DatabaseError
from django.db.models import Q

from configuration.models import Property
from configuration.ruleset.ruleset import decode_ruleset, ruleset_name
from processing.concurrency.backoff import Backoff, Task
from processing.engine import Engine, Stopped, TaskFailed
from processing.models import Erasure, HistoryRun, LogSource
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
from processing.sessions.local_periods import day_number
from processing.store.port import Conflict, Store, StoreUnavailable

logger = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(days=7)
MAX_ATTEMPTS: Final = 3  # that end with an unexpected error
MAX_DEATHS: Final = 10  # attempts that end with the process: a worker is often ended for other reasons
PASSING: Final = (StoreUnavailable, Conflict, DatabaseError)  # not the run's fault: it waits until they are over
State, RequestedAction = HistoryRun.State, HistoryRun.RequestedAction

_tasks: Final = msgspec.json.Decoder(list[RebuildTask])


class HistoryRunner:
    """Carries out the runs. Only one may work on a store at a time."""

    def __init__(self, store: Store, url: str, engine: Callable[[], Engine], clock: Callable[[], datetime]) -> None:
        """`url` is the store's address, for the engine's workers."""
        self._store, self._url, self._engine, self._clock = store, url, engine, clock
        self._on_progress: Callable[[HistoryRun], None] = lambda _: None

    def work(
        self,
        stop: Callable[[], bool],
        backoff: Backoff | None = None,
        on_progress: Callable[[HistoryRun], None] = lambda _: None,
    ) -> int:
        """Carries out all runs and requested actions that there are now, until `stop`. Returns how many runs ended.

        Failures go to `backoff`; without it they are raised.
        """
        backoff = Backoff(fatal=(Exception,)) if backoff is None else backoff
        ended, self._on_progress = 0, on_progress
        # None of them is being carried out now: a process that was ended has left them so.
        HistoryRun.objects.filter(state=State.RUNNING).update(state=State.WAITING)
        self._end_unwanted(backoff)
        for run in HistoryRun.objects.filter(wish=RequestedAction.UNDO, state=State.DONE).order_by("pk"):
            ended += backoff.result(Task.ROLL_BACK, partial(self._undo, run), run.property, default=False)
        for run in HistoryRun.objects.filter(state=State.WAITING).order_by("pk"):
            if not stop():
                ended += backoff.result(Task.APPLY_RULES, partial(self._try, run, stop), run.property, default=False)
                self._end_unwanted(backoff)
        return ended

    def _end_unwanted(self, backoff: Backoff) -> None:
        """Ends waiting runs that are to be cancelled, and removes the generations of runs that ended without result."""
        wished = HistoryRun.objects.filter(wish=RequestedAction.CANCEL, state=State.WAITING)
        ended = HistoryRun.objects.filter(state__in=(State.CANCELLED, State.FAILED), generation__isnull=False)
        for run in (wished | ended).order_by("pk"):
            backoff.attempt(Task.END_RUN, partial(self._end_if_not_live, run), run.property)

    def _end_if_not_live(self, run: HistoryRun) -> None:
        """A run whose generation is live already is too late to be cancelled: it goes on, and can be rolled back.

        One that was cancelled while it waited to be tried again has ended: what it had left to do is done here.
        """
        if run.generation is not None and self._store.live(run.property) == run.generation:
            if run.state != State.WAITING:
                release(self._store, run.property)
                _save(run, state=State.DONE, rows_done=run.rows, attempts=0, error="")
            _save(run, wish=RequestedAction.NONE)
        elif run.state == State.WAITING:
            self._end_without_result(run, State.CANCELLED)
        else:
            self._remove_generation(run)

    def active_properties(self) -> set[int]:
        """Returns the properties whose raw rows are being read, or will be soon: their raw parts must not be merged."""
        active = HistoryRun.objects.filter(state__in=HistoryRun.ACTIVE)
        to_undo = HistoryRun.objects.filter(wish=RequestedAction.UNDO)
        return set((active | to_undo).values_list("property", flat=True))

    def writing_properties(self) -> set[int]:
        """Returns the properties for which segments are being written that no manifest names yet."""
        return set(HistoryRun.objects.filter(state=State.RUNNING).values_list("property", flat=True))

    def expire_generations(self, backoff: Backoff | None = None) -> None:
        """Removes generations that were replaced or rolled back a week ago. Their runs cannot be rolled back then.

        Failures go to `backoff`; without it they are raised.
        """
        backoff = Backoff(fatal=(Exception,)) if backoff is None else backoff
        old = HistoryRun.objects.filter(finished_at__lt=self._clock() - KEPT_FOR)
        replaced = old.filter(state=State.DONE, replaced__isnull=False)
        for run in (replaced | old.filter(state=State.UNDONE, generation__isnull=False)).order_by("pk"):
            name = "replaced" if run.state == State.DONE else "generation"
            with backoff.suppress_and_log(Task.EXPIRE_GENERATION, run.property):
                remove_generation(self._store, run.property, _existing(getattr(run, name)))
                _save(run, **{name: None})

    def _try(self, run: HistoryRun, stop: Callable[[], bool]) -> bool:
        """Takes the run as far as it goes, and counts the attempt if it fails. Returns whether it ended.

        Raises what fails and is to be tried again.
        """
        if _is_erasing(run.property):
            return False  # an erasure goes first
        attempts = run.attempts + 1
        is_mine = HistoryRun.objects.filter(pk=run.pk, state=State.WAITING, wish=run.wish).update(
            state=State.RUNNING, attempts=attempts, started_at=run.started_at or self._clock()
        )
        if not is_mine:  # it was cancelled meanwhile
            return False
        run.refresh_from_db()
        if _is_erasing(run.property):  # a removal began before it could see that this run does
            _save(run, state=State.WAITING, attempts=attempts - 1)
            return False
        if attempts > MAX_DEATHS:
            self._fail(run, f"The worker's process ended {MAX_DEATHS} times while the rules were being applied.")
            return True
        try:
            return self._advance(run, stop)
        except PASSING as error:
            _save(run, state=State.WAITING, attempts=run.attempts - 1, error=_reason(error))
            raise
        except Exception as error:
            logger.exception("applying rules %d to property %d failed", run.rules, run.property)
            if run.attempts < MAX_ATTEMPTS:  # progress has begun the count anew
                _save(run, state=State.WAITING, error=f"Try {run.attempts} of {MAX_ATTEMPTS} failed: {_reason(error)}")
                raise
            self._fail(run, f"It failed {MAX_ATTEMPTS} times; the worker's output says more: {_reason(error)}")
            return True

    def _advance(self, run: HistoryRun, stop: Callable[[], bool]) -> bool:
        """Takes the run as far as it goes. Returns whether it ended."""

        def must_stop() -> bool:
            return stop() or _requested_action(run) != RequestedAction.NONE or _is_erasing(run.property)

        try:
            if run.generation is None or self._draft_is_gone(run):
                self._plan(run)
            if self._store.live(run.property) != run.generation:
                self._rebuild(run, must_stop)
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
            _save(run, state=State.DONE, finished_at=self._clock(), tasks="", rows_done=run.rows, attempts=0, error="")
        return True

    def _draft_is_gone(self, run: HistoryRun) -> bool:
        """Returns whether an erasure has removed what the run had built: then it begins again."""
        return run.generation is not None and self._store.manifest(run.property, run.generation) is None

    def _plan(self, run: HistoryRun) -> None:
        """Writes the draft generation and the tasks that fill it."""
        rules = decode_ruleset(self._store.context(ruleset_name(run.property, run.rules)))
        if self._store.manifest(run.property) is None:
            seal(self._store, ColumnCache(self._store, ONCE_BYTES, codes=False), run.property)
        if item := Property.objects.filter(pk=run.property).first():
            claim(self._store, run.property, item.measurement_id, rules.settings)
        self._remove_strays(run.property)
        with suppress(Conflict):  # then the worker is sealing the property itself
            seal(self._store, ColumnCache(self._store, ONCE_BYTES, codes=False), run.property)
        draft, tasks = start(self._store, self._url, run.property, rules, _local_days(run))
        rows = sum(part.ref.rows for task in tasks for part in task.parts)
        _save(run, generation=draft.generation, rows=rows, rows_done=0, tasks=msgspec.json.encode(tasks).decode())

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
        attempts = run.attempts if rows <= run.rows_done else 1  # those before have not failed for ever
        _save(run, rows_done=rows, attempts=attempts)
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
        except PASSING:
            raise
        except Exception as error:
            attempts = run.attempts + 1
            is_last = attempts >= MAX_ATTEMPTS
            wish = RequestedAction.NONE if is_last else RequestedAction.UNDO
            _save(run, wish=wish, attempts=0 if is_last else attempts, error=f"Not rolled back: {_reason(error)}")
            raise
        _save(run, wish=RequestedAction.NONE, state=State.UNDONE, finished_at=self._clock(), error="")
        return True

    def _stopped(self, run: HistoryRun) -> bool:
        """Pauses or cancels the run if that was requested; otherwise it waits: for an erasure, or for a worker."""
        action = _requested_action(run)
        if action == RequestedAction.CANCEL:
            self._end_without_result(run, State.CANCELLED)
            return True
        if action == RequestedAction.PAUSE:
            # Unless the wish has changed since: the next turn looks at it.
            HistoryRun.objects.filter(pk=run.pk, wish=RequestedAction.PAUSE).update(
                state=State.PAUSED, wish=RequestedAction.NONE, attempts=0
            )
        HistoryRun.objects.filter(pk=run.pk, state=State.RUNNING).update(state=State.WAITING, attempts=0)
        return False

    def _fail(self, run: HistoryRun, error: str) -> None:
        logger.warning("applying rules %d to property %d failed: %s", run.rules, run.property, error)
        if run.generation is not None and self._store.live(run.property) == run.generation:
            # Reports show its numbers already; only hits of property 0 that it claimed are still there, too.
            error = f"The rules are applied, but hits could not be taken from the unknown ones: {error}"
            _save(run, state=State.DONE, finished_at=self._clock(), tasks="", error=error)
        else:
            self._end_without_result(run, State.FAILED, error)

    def _end_without_result(self, run: HistoryRun, state: HistoryRun.State, error: str = "") -> None:
        """Ends the run first, and then removes what it has built: if that fails, it is done later."""
        _save(
            run, state=state, wish=RequestedAction.NONE, error=error.replace("\0", ""), tasks="", replaced=None,
            finished_at=self._clock(),
        )  # fmt: skip
        self._remove_generation(run)

    def _remove_generation(self, run: HistoryRun) -> None:
        if run.generation is not None:
            remove_generation(self._store, run.property, run.generation)
            _save(run, generation=None)


def ordinals() -> dict[str, int]:
    """Returns the number of each log in positions."""
    return {log: ledger.ordinal(log) for log in LogSource.objects.values_list("log", flat=True)}


def _requested_action(run: HistoryRun) -> str:
    return HistoryRun.objects.values_list("wish", flat=True).get(pk=run.pk)


def _is_erasing(property: int) -> bool:
    """Returns whether rows of the property wait to be erased. A removal that failed lets runs go on between tries.

    A run marks itself as running and then looks here; a removal marks itself and then looks for runs. So one of them
    sees the other, and no run reads rows that are being removed.
    """
    waiting = Erasure.objects.filter(property=property, removed_at=None)
    return waiting.filter(Q(error="") | Q(removing=True)).exists()


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\0", "")


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
