"""`manage.py reprocess --property ID [--from D --to D] [--rules N]` applies published rules to the past."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections

from configuration.drafts.publishing import published
from configuration.numbers import how_many
from processing.concurrency.backoff import Backoff
from processing.installation import open_installed_store
from processing.models import HistoryRun
from processing.reprocessing.run_requests import RequestedAction, RunRefused, create_run, request_action
from processing.reprocessing.runs import HistoryRunner
from processing.workers.wiring import make_history, single_worker_lock

LOOK_EVERY_S: Final = 0.5
State = HistoryRun.State
WISHES: Final = {
    "pause": RequestedAction.PAUSE,
    "resume": RequestedAction.NONE,
    "cancel": RequestedAction.CANCEL,
    "undo": RequestedAction.UNDO,
}


class Command(BaseCommand):
    help = (
        "Apply the published rules of a property to its past, beside the numbers that reports show now; when it is"
        " done they change in one step. It can be rolled back for 7 days. Ctrl-C pauses nothing: the run goes on in the"
        " worker; without a worker it is carried out here, and goes on with the next start."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--property", type=int, required=True, help="the property id")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, help="the first local day, 2026-11-01")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="the last local day")
        parser.add_argument(
            "--rules", type=int, help="the number of the rules that you mean; refused if it is not the newest"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--undo", action="store_true", help="roll the last run back")
        for name in ("pause", "resume", "cancel"):
            what.add_argument(f"--{name}", action="store_true", help=f"{name} the run that is going on")
        what.add_argument("--status", action="store_true", help="say how the last run is getting on")
        parser.add_argument("--no-wait", action="store_true", help="ask for it, and leave it to the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = self._asked(options)
        except RunRefused as error:
            raise CommandError(str(error)) from error
        if options["status"] or options["no_wait"]:
            self.stdout.write(sentence(run))
            return
        with self._worker() as history:
            self._follow(run, history)
        if run.state == State.FAILED or run.error:
            raise CommandError(run.error)

    def _asked(self, options: dict[str, Any]) -> HistoryRun:
        named = next((name for name in WISHES if options[name]), None)
        if named is None and not options["status"]:
            return self._ask(options)
        run = HistoryRun.objects.filter(property=options["property"]).first()
        if run is None:
            raise CommandError("Rules were never applied to the history of this property.")
        if named:
            request_action(run, WISHES[named])
            run.refresh_from_db()
        return run

    def _ask(self, options: dict[str, Any]) -> HistoryRun:
        rules = published(options["property"])
        if rules is None:
            raise CommandError("This property has no published rules. Publish some: manage.py rules publish")
        if options["rules"] not in (None, rules.number):
            raise CommandError(
                f"The newest rules of this property are number {rules.number}, not {options['rules']}. To apply older"
                f" ones, publish them again: manage.py rules again {options['rules']} --property {options['property']}"
            )
        if (options["first"] is None) != (options["last"] is None):
            raise CommandError("Name both ends of the days, --from and --to, or none.")
        days = (options["first"], options["last"]) if options["first"] else None
        return create_run(open_installed_store(), rules, "manage.py", days)

    @contextmanager
    def _worker(self) -> Iterator[HistoryRunner | None]:
        """Returns the worker's place, if it is free: then this process carries out the run."""
        try:
            with single_worker_lock():
                yield make_history(open_installed_store())
        except CommandError:
            yield None

    def _follow(self, run: HistoryRun, history: HistoryRunner | None) -> None:
        backoff = Backoff(recover=close_old_connections)
        while run.state in (State.WAITING, State.RUNNING) or run.wish:
            if not (history and history.work(lambda: False, backoff, self._tell)):
                time.sleep(LOOK_EVERY_S)
            run.refresh_from_db()
            self._tell(run)
        self.stdout.write(sentence(run))

    def _tell(self, run: HistoryRun) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{sentence(run):100}", ending="")


def sentence(run: HistoryRun) -> str:
    """Returns how the run is getting on, in one line."""
    head = f"rules {run.rules}, property {run.property}: {run.get_state_display().lower()}"
    if run.state == State.RUNNING and run.rows:
        return f"{head}, {run.rows_done:,} of {how_many(run.rows, 'row')}{_time_left(run)}"
    return f"{head}{_took(run)}{': ' + run.error if run.error else ''}"


def _time_left(run: HistoryRun) -> str:
    progress = run.progress()
    return f", {progress.rate:,.0f} rows/s, {progress.left_s:.0f} s left" if progress else ""


def _took(run: HistoryRun) -> str:
    if run.state == State.DONE and run.started_at and run.finished_at:
        return f", {how_many(run.rows, 'row')} in {(run.finished_at - run.started_at).total_seconds():.1f} s"
    return ""
