"""Runs over history as pages and the API show them: how far they are, and which actions they offer."""

from datetime import date
from typing import Any, Final

from django.db import transaction

from configuration.drafts.audit import Author, name_of, record
from configuration.drafts.publishing import published
from configuration.numbers import how_many
from processing.models import HistoryRun
from processing.reprocessing.run_requests import RequestedAction, RunRefused, check_undo, create_run, request_action
from reporting.read_access import view_cache

ACTIONS: Final = {
    "pause": RequestedAction.PAUSE,
    "resume": RequestedAction.NONE,
    "cancel": RequestedAction.CANCEL,
    "undo": RequestedAction.UNDO,
}
AUDITED: Final = {"pause": "pause", "resume": "go on", "cancel": "cancel", "undo": "roll back"}
State = HistoryRun.State
REQUESTED: Final = {
    str(RequestedAction.PAUSE): "Pausing: the step that is running is finished first.",
    str(RequestedAction.CANCEL): "Being cancelled.",
    str(RequestedAction.UNDO): "Being rolled back: reports change back in a moment.",
}
STATES: Final = {
    str(State.WAITING): "Waiting for the worker to start.",
    str(State.PAUSED): "Paused. Everything built so far is kept; reports show the numbers from before.",
    str(State.DONE): "Done: reports show these numbers.",
    str(State.CANCELLED): "Cancelled: nothing was changed.",
    str(State.UNDONE): "Rolled back: reports show the numbers from before again.",
}


def start_run(
    property: int, user: Author, days: tuple[date, date] | None = None, number: int | None = None
) -> HistoryRun:
    """Starts a run of the newest published rules, whose number must be `number` if that is given. Raises RunRefused."""
    rules = published(property)
    if rules is None:
        raise RunRefused("This property has no published rules. Publish its draft first.")
    if number not in (None, rules.number):
        raise RunRefused(
            f"The newest rules are version {rules.number}, not {number}. To apply an older version to history, publish"
            " it again first: it gets a new number."
        )
    with transaction.atomic():
        run = create_run(view_cache().store, rules, name_of(user), days)
        record(user, "history: apply", property, f"version {rules.number}", [f"Days: {describe_days(run)}."])
    return run


def apply_action(run: HistoryRun, action: str, user: Author) -> None:
    """Requests a key of ACTIONS; the worker acts a moment later. Raises RunRefused."""
    with transaction.atomic():
        request_action(run, ACTIONS[action])
        record(
            user, f"history: {AUDITED[action]}", run.property, f"version {run.rules}", [f"Days: {describe_days(run)}."]
        )
    run.refresh_from_db()


def offers(run: HistoryRun) -> list[str]:
    """Returns the actions that can be requested now: keys of ACTIONS."""
    if run.wish and run.state != State.RUNNING:
        return []
    if run.state in HistoryRun.ACTIVE:
        first = "resume" if run.state == State.PAUSED or run.wish else "pause"
        return [first, "cancel"]
    return ["undo"] if _can_be_undone(run) else []


def is_moving(run: HistoryRun) -> bool:
    """Returns whether the run changes by itself, so that a page should look again."""
    return run.state in (State.WAITING, State.RUNNING) or bool(run.wish)


def status(run: HistoryRun) -> str:
    """Returns the state of the run in a sentence or two."""
    if run.wish in REQUESTED:
        return REQUESTED[run.wish]
    if run.state == State.FAILED:
        return f"The run failed, and nothing was changed: {run.error}"
    error = f" {run.error}" if run.error else ""
    if run.state == State.RUNNING:
        progress = f"{run.rows_done:,} of {how_many(run.rows, 'raw row')}.{_time_left(run)}"
        return (progress if run.rows else "Counting the raw rows.") + error
    if run.state == State.WAITING and run.error:
        return f"Waiting to be tried again.{error}"
    return STATES[run.state] + error


def share(run: HistoryRun) -> float:
    """Returns the finished share of the run, from 0 to 1."""
    if run.state in (State.DONE, State.UNDONE):
        return 1.0
    return min(run.rows_done / run.rows, 1.0) if run.rows else 0.0


def describe_days(run: HistoryRun) -> str:
    return f"{run.first} to {run.last}" if run.first and run.last else "all"


def run_as_json(run: HistoryRun) -> dict[str, Any]:
    """As plain values of JSON; times and days are left to the JSON renderer."""
    progress = run.progress() if run.state == State.RUNNING else None
    names = ("id", "rules", "author", "state", "asked_at", "started_at", "finished_at", "rows", "rows_done", "error")
    return {
        **{name: getattr(run, name) for name in names},
        "from": run.first,
        "to": run.last,
        "wish": run.wish,
        "status": status(run),
        "share": share(run),
        "rows_per_second": progress and round(progress.rate),
        "seconds_left": progress and round(progress.left_s),
        "can": offers(run),
    }


def _can_be_undone(run: HistoryRun) -> bool:
    try:
        check_undo(run)
    except RunRefused:
        return False
    return True


def _time_left(run: HistoryRun) -> str:
    progress = run.progress()
    if progress is None:
        return ""
    if run.rows_done >= run.rows:
        return " All rows are counted; the days are being put together."
    return f" {progress.rate:,.0f} a second, {_duration(progress.left_s)} left."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"
