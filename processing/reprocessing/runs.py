"""Runs that apply rules to the past of a property: asked for, carried out step by step, paused, cancelled, rolled back.

Every step is written down before the next one begins, in the new generation's book or in the run, so that a run goes
on where it was after a crash.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from django.db import IntegrityError, transaction

from configuration.models import Property
from configuration.ruleset.ruleset import Ruleset, decode_ruleset, encode_ruleset, ruleset_name
from processing.engine import Engine, Stopped, TaskFailed
from processing.models import HistoryRun, LogSource
from processing.receiving import ledger
from processing.reprocessing.claim_unassigned import claim, release
from processing.reprocessing.generations import (
    CannotRebuild,
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
from processing.store.port import Conflict, Store

logger = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(days=7)
State, RequestedAction = HistoryRun.State, HistoryRun.Wish

_tasks: Final = msgspec.json.Decoder(list[RebuildTask])


class RunRefused(Exception):
    """The run cannot be had as it was asked for; the message says why and what to do."""


def create_run(store: Store, rules: Ruleset, author: str, days: tuple[date, date] | None = None) -> HistoryRun:
    """Asks for rules to be applied to the past, or to these local days of it. Raises RunRefused."""
    if rules.number == 0:
        raise RunRefused("Publish the rules first: only a published version can be applied to history.")
    if days and days[0] > days[1]:
        raise RunRefused(f"The first day, {days[0]}, is after the last, {days[1]}.")
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


def request_action(run: HistoryRun, wished: HistoryRun.Wish) -> None:
    """Pause, cancel, go on (NONE), or roll back. Raises RunRefused where that makes no sense."""
    with transaction.atomic():
        run = HistoryRun.objects.select_for_update().get(pk=run.pk)
        if wished == RequestedAction.UNDO:
            check_undo(run)
        elif run.state not in HistoryRun.ACTIVE:
            raise RunRefused(f"The run is over: {run.get_state_display().lower()}.")
        run.wish = wished
        if wished == RequestedAction.NONE and run.state == State.PAUSED:
            run.state = State.WAITING
        run.save(update_fields=["wish", "state"])


def check_undo(run: HistoryRun) -> None:
    """Raises RunRefused where the run cannot be rolled back, or not now."""
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
    """Carries out what is asked for. One at a time works for each store."""

    def __init__(self, store: Store, url: str, engine: Callable[[], Engine], clock: Callable[[], datetime]) -> None:
        """`url` is the store's address, for the engine's workers."""
        self._store, self._url, self._engine, self._clock = store, url, engine, clock
        self._on_progress: Callable[[HistoryRun], None] = lambda _: None

    def work(self, stop: Callable[[], bool], on_progress: Callable[[HistoryRun], None] = lambda _: None) -> int:
        """Everything that is asked for now, until `stop`. Returns how many runs came to an end. `on_progress` is
        called after each step.
        """
        ended, self._on_progress = 0, on_progress
        for run in HistoryRun.objects.filter(wish=RequestedAction.UNDO, state=State.DONE).order_by("pk"):
            ended += self._undo(run)
        for run in HistoryRun.objects.filter(state__in=(State.WAITING, State.RUNNING)).order_by("pk"):
            if not stop():
                ended += self._carry_out(run, stop)
        for run in HistoryRun.objects.filter(state=State.PAUSED, wish=RequestedAction.CANCEL):
            self._cancel(run)
        return ended

    def resting(self) -> set[int]:
        """The properties whose raw rows are being read, or will be soon."""
        active = HistoryRun.objects.filter(state__in=HistoryRun.ACTIVE) | HistoryRun.objects.filter(
            wish=RequestedAction.UNDO
        )
        return set(active.values_list("property", flat=True))

    def writing(self) -> set[int]:
        """The properties of which segments are written that no book names yet."""
        return set(HistoryRun.objects.filter(state=State.RUNNING).values_list("property", flat=True))

    def sweep(self) -> None:
        """Lets go of generations that were replaced, or rolled back, a week ago: there is no way back then."""
        old = HistoryRun.objects.filter(finished_at__lt=self._clock() - KEPT_FOR)
        for run in old.filter(state=State.DONE, replaced__isnull=False):
            remove_generation(self._store, run.property, _known(run.replaced))
            self._save(run, replaced=None)
        for run in old.filter(state=State.UNDONE, generation__isnull=False):
            remove_generation(self._store, run.property, _known(run.generation))
            self._save(run, generation=None)

    def _carry_out(self, run: HistoryRun, stop: Callable[[], bool]) -> bool:
        """Whether the run came to an end."""
        if run.state == State.WAITING:
            self._save(run, state=State.RUNNING, started_at=run.started_at or self._clock())
        try:
            self._steps(run, lambda: stop() or self._wished(run) != RequestedAction.NONE)
        except Stopped:
            return self._stopped(run)
        except (CannotRebuild, NothingToRebuild) as error:
            self._fail(run, str(error))
        except TaskFailed as error:
            logger.exception("a piece of work failed")
            self._fail(run, f"It failed; the worker's output says more: {error.text}")
        return True

    def _fail(self, run: HistoryRun, error: str) -> None:
        logger.warning("applying rules %d to property %d failed: %s", run.rules, run.property, error)
        self._give_up(run, State.FAILED, error)

    def _steps(self, run: HistoryRun, stop: Callable[[], bool]) -> None:
        if run.generation is None:
            self._plan(run)
        if self._store.live(run.property) != run.generation:
            self._build(run, stop)
            self._go_live(run)
        release(self._store, run.property)
        self._save(run, state=State.DONE, finished_at=self._clock(), tasks="", rows_done=run.rows)

    def _plan(self, run: HistoryRun) -> None:
        rules = decode_ruleset(self._store.context(ruleset_name(run.property, run.rules)))
        if self._store.manifest(run.property) is None:
            seal(self._store, ColumnCache(self._store, ONCE_BYTES), run.property)
        item = Property.objects.filter(pk=run.property).first()
        if item:
            claim(self._store, run.property, item.measurement_id, rules.settings)
        self._remove_strays(run.property)
        with suppress(Conflict):  # the worker seals it just now, then
            seal(self._store, ColumnCache(self._store, ONCE_BYTES), run.property)
        draft, tasks = start(self._store, self._url, run.property, rules, _days(run))
        rows = sum(part.place.rows for task in tasks for part in task.parts)
        self._save(run, generation=draft.generation, rows=rows, tasks=msgspec.json.encode(tasks).decode())

    def _remove_strays(self, property: int) -> None:
        """Generations that a run made and did not come to write down."""
        runs = HistoryRun.objects.filter(property=property)
        known = {number for pair in runs.values_list("generation", "replaced") for number in pair}
        for generation in set(self._store.generations(property)) - known - {self._store.live(property)}:
            remove_generation(self._store, property, generation)

    def _build(self, run: HistoryRun, stop: Callable[[], bool]) -> None:
        draft, tasks = open_draft(self._store, run.property, _known(run.generation)), _tasks.decode(run.tasks)
        if draft.book.pieces is None:
            return
        left = [number for number in range(len(tasks)) if number not in draft.book.pieces]
        self._count(run, tasks, set(draft.book.pieces))
        engine = self._engine()
        try:
            for done, piece in engine.run(rebuild_days, [tasks[number] for number in left], stop):
                draft = add_rebuilt_days(self._store, run.property, draft, left[done], piece)
                self._count(run, tasks, set(draft.book.pieces or ()))
        finally:
            engine.close()
        finish_draft(self._store, run.property, draft, _days(run))

    def _go_live(self, run: HistoryRun) -> None:
        generation, numbers = _known(run.generation), ordinals()
        catch_up(self._store, run.property, open_draft(self._store, run.property, generation), numbers)
        self._save(run, replaced=live_manifest(self._store, run.property).generation)
        swap(self._store, run.property, generation, numbers)

    def _undo(self, run: HistoryRun) -> bool:
        try:
            if self._store.live(run.property) != run.replaced:
                swap(self._store, run.property, _known(run.replaced), ordinals())
        except CannotRebuild as error:
            self._save(run, wish=RequestedAction.NONE, error=str(error))
            return False
        self._save(run, wish=RequestedAction.NONE, state=State.UNDONE, finished_at=self._clock())
        return True

    def _stopped(self, run: HistoryRun) -> bool:
        wished = self._wished(run)
        if wished == RequestedAction.PAUSE:
            self._save(run, state=State.PAUSED, wish=RequestedAction.NONE)
        if wished == RequestedAction.CANCEL:
            self._cancel(run)
        return wished == RequestedAction.CANCEL

    def _cancel(self, run: HistoryRun) -> None:
        self._give_up(run, State.CANCELLED, "")

    def _give_up(self, run: HistoryRun, state: HistoryRun.State, error: str) -> None:
        if run.generation is not None:
            remove_generation(self._store, run.property, run.generation)
        self._save(
            run, state=state, wish=RequestedAction.NONE, error=error.replace("\0", ""), tasks="", generation=None,
            replaced=None, finished_at=self._clock(),
        )  # fmt: skip

    def _wished(self, run: HistoryRun) -> str:
        return HistoryRun.objects.values_list("wish", flat=True).get(pk=run.pk)

    def _count(self, run: HistoryRun, tasks: list[RebuildTask], done: set[int]) -> None:
        rows = sum(part.place.rows for number in done for part in tasks[number].parts)
        self._save(run, rows_done=rows)
        self._on_progress(run)

    def _save(self, run: HistoryRun, **values: object) -> None:
        for name, value in values.items():
            setattr(run, name, value)
        run.save(update_fields=list(values))


def ordinals() -> dict[str, int]:
    """The numbers of logs in positions."""
    return {log: ledger.ordinal(log) for log in LogSource.objects.values_list("log", flat=True)}


def _days(run: HistoryRun) -> LocalDays | None:
    return (day_number(run.first), day_number(run.last)) if run.first and run.last else None


def _known(number: int | None) -> int:
    if number is None:
        raise CannotRebuild("The generation is no longer there.")
    return number
