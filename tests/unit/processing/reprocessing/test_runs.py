"""Runs: created, carried out, paused, cancelled, interrupted, rolled back; and hits reassigned from property 0."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from configuration.models import Property
from configuration.ruleset.context import Context, ReceiveSettings
from configuration.ruleset.ruleset import FilterRule, Ruleset, Text, plain_ruleset
from processing.concurrency.backoff import Backoff
from processing.models import HistoryRun
from processing.reprocessing import generations, rebuild, runs
from processing.reprocessing.run_requests import RequestedAction, RunRefused, create_run, request_action
from processing.store.port import StoreUnavailable
from tests.support import clock
from tests.support.installation import BLOG, NOON, SHOP, Installation, ga4

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2027, 1, 1))
DAY = 24 * 3_600_000
State = HistoryRun.State
WITHOUT_A = FilterRule(name="no a", action="exclude", when=Text("path", "equals", "/a"))


def rules(number: int, **settings: Any) -> Ruleset:
    plain = plain_ruleset(SHOP)
    return msgspec.structs.replace(plain, number=number, settings=msgspec.structs.replace(plain.settings, **settings))


def filled(folder: Path) -> Installation:
    here = Installation(folder)
    for day in range(5):
        pages = [ga4(10 * day + n, client=f"{n}.1", at=NOON + day * DAY + n * 400_000) for n in range(4)]
        here.send(*pages)
        here.receive()
    here.worker.seal(everything=True)
    return here


def sessions(here: Installation) -> int:
    return here.view().events(*EVER, ["session"])["session"].n_unique()


def never() -> bool:
    return False


def always() -> bool:
    return True


def test_it_works(tmp_path: Path) -> None:
    here = filled(tmp_path)
    run = create_run(here.store, rules(3, session_timeout_s=300), "ada")
    assert here.history.active_properties() == {SHOP.id}
    assert here.history.work(never) == 1
    run.refresh_from_db()
    assert (run.state, run.generation, run.replaced, run.rows_done) == (State.DONE, 2, 1, run.rows)
    assert here.store.live(SHOP.id) == 2
    assert here.history.active_properties() == set()


def test_rolled_back_and_swept_a_week_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    here.history.work(never)
    run.refresh_from_db()
    request_action(run, RequestedAction.UNDO)
    assert here.history.work(never) == 1
    run.refresh_from_db()
    assert (run.state, here.store.live(SHOP.id)) == (State.UNDONE, 1)
    here.history.expire_generations()
    assert here.store.generations(SHOP.id) == [1, 2]
    later = runs.HistoryRunner(here.store, "", lambda: None, lambda: clock.now() + timedelta(days=8))  # type: ignore[arg-type, return-value]
    later.expire_generations()
    assert here.store.generations(SHOP.id) == [1]


def test_two_runs_on_a_property_cannot_collide(tmp_path: Path) -> None:
    here = filled(tmp_path)
    create_run(here.store, rules(1), "ada")
    with pytest.raises(RunRefused, match="already"):
        create_run(here.store, rules(1), "bob")


def test_rules_that_were_not_published(tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match="Publish"):
        create_run(filled(tmp_path).store, rules(0), "ada")


def test_paused_and_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "TASK_ROWS", 1)
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    request_action(run, RequestedAction.PAUSE)
    assert here.history.work(never) == 0
    run.refresh_from_db()
    assert run.state == State.PAUSED
    assert here.history.work(never) == 0
    request_action(run, RequestedAction.CANCEL)
    here.history.work(never)
    run.refresh_from_db()
    assert (run.state, here.store.generations(SHOP.id)) == (State.CANCELLED, [1])
    with pytest.raises(RunRefused, match="over"):
        request_action(run, RequestedAction.PAUSE)


class Killed(BaseException):
    pass


STEPS = ("start", "add_rebuilt_days", "finish_draft", "catch_up", "swap", "release")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_run_continues_after_a_crash_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    monkeypatch.setattr(rebuild, "TASK_ROWS", 8)
    here = filled(tmp_path)
    before = sessions(here), here.view().counts()
    run = create_run(here.store, rules(1), "ada")
    with monkeypatch.context() as patch:
        patch.setattr(runs, step, dies(getattr(runs, step), after=after))
        with pytest.raises(Killed):
            here.history.work(never)
    here.restart()
    here.send(ga4(99, client="9.9"))
    here.receive()
    here.worker.seal(everything=True)
    here.worker.run_maintenance(NOON + 9 * DAY)
    assert here.history.work(never) == 1
    run.refresh_from_db()
    assert run.state == State.DONE
    assert (sessions(here) - 1, here.view().counts().counted - 1) == (before[0], before[1].counted)
    assert len(here.store.generations(SHOP.id)) == 2


def dies(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def dying(*arguments: Any) -> Any:
        if after:
            step(*arguments)
        raise Killed

    return dying


def test_hits_of_a_property_that_was_not_known_yet(tmp_path: Path) -> None:
    """They are counted under property 0 first, and are nowhere missing and nowhere double."""
    here = Installation(tmp_path, [SHOP])
    here.send(*(ga4(n, property=BLOG, client=f"{n}.1", at=NOON + n * 60_000) for n in range(5)), ga4(7))
    here.receive()
    here.worker.seal(everything=True)
    assert here.view(0).counts().reasons == {"unknown property": 5}
    Property.objects.create(id=BLOG.id, name="Blog", measurement_id=BLOG.measurement_id)
    here.context = Context((SHOP, msgspec.structs.replace(BLOG, rules=1)))
    keep_rules = msgspec.structs.replace(plain_ruleset(BLOG), number=1)
    create_run(here.store, keep_rules, "ada")
    here.send(ga4(8, property=BLOG, client="1.1", at=NOON + 70_000))
    here.receive()
    here.history.work(never)
    assert here.view(BLOG.id).counts().counted == 6
    assert here.view(0).counts().accepted == 0
    assert here.view(SHOP.id).counts().counted == 1
    run = HistoryRun.objects.get()
    request_action(run, RequestedAction.UNDO)
    here.history.work(never)
    assert here.view(BLOG.id).counts().counted == 6


def test_a_property_without_hits(tmp_path: Path) -> None:
    here = Installation(tmp_path, [ReceiveSettings(id=5, measurement_id="G-NONE")])
    run = create_run(here.store, Ruleset(5, 1), "ada")
    assert here.history.work(never) == 1
    run.refresh_from_db()
    assert (run.state, run.error) == (State.FAILED, "The property has no hits yet.")


def test_a_property_whose_hits_were_not_sealed_yet(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1))
    here.receive()
    run = create_run(here.store, rules(1), "ada")
    here.history.work(never)
    run.refresh_from_db()
    assert (run.state, here.view().counts().counted) == (State.DONE, 1)


@pytest.mark.parametrize("days", [(date(2026, 11, 1), date(9999, 12, 31)), (date(1, 1, 1), date(9999, 12, 31))])
def test_days_after_tomorrow_are_refused(tmp_path: Path, days: tuple[date, date]) -> None:
    with pytest.raises(RunRefused, match="is after tomorrow: there are no hits of that day"):
        create_run(filled(tmp_path).store, rules(1), "ada", days)
    assert not HistoryRun.objects.exists()


def test_a_run_of_earlier_versions_with_days_of_the_whole_calendar(tmp_path: Path) -> None:
    """It could be requested then, and overflowed for ever."""
    here = filled(tmp_path)
    create_run(here.store, rules(1), "ada")
    HistoryRun.objects.update(first=date.min, last=date.max)
    assert here.history.work(never) == 1
    run = HistoryRun.objects.get()
    assert (run.state, run.error) == (State.DONE, "")
    assert here.view().counts().counted == 20


def tolerant() -> Backoff:
    """A backoff for which every task is due at once."""
    moments = itertools.count(0, 100)
    return Backoff(lambda: next(moments))


def breaks(patch: pytest.MonkeyPatch, step: str, error: Exception) -> None:
    def broken(*_: Any) -> None:
        raise error

    patch.setattr(runs, step, broken)


@pytest.mark.parametrize("step", STEPS)
def test_an_unexpected_error_ends_the_run_after_three_tries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    here, backoff = filled(tmp_path), tolerant()
    run = create_run(here.store, rules(1), "ada")
    breaks(monkeypatch, step, OverflowError("date value out of range"))
    for attempt in (1, 2):
        assert here.history.work(never, backoff) == 0
        run.refresh_from_db()
        assert (run.state, run.attempts) == (State.WAITING, attempt)
        assert run.error == f"Try {attempt} of 3 failed: OverflowError: date value out of range"
    assert here.history.work(never, backoff) == 1
    run.refresh_from_db()
    assert "OverflowError: date value out of range" in run.error
    if step == "release":  # reports show the numbers already
        assert (run.state, run.replaced, here.store.live(SHOP.id)) == (State.DONE, 1, 2)
    else:
        assert (run.state, run.generation, here.store.generations(SHOP.id)) == (State.FAILED, None, [1])
    assert here.history.active_properties() == set()


def test_what_is_not_the_run_s_fault_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, backoff = filled(tmp_path), tolerant()
    run = create_run(here.store, rules(1), "ada")
    with monkeypatch.context() as patch:
        breaks(patch, "start", StoreUnavailable("no quorum"))
        for _ in range(5):
            assert here.history.work(never, backoff) == 0
        run.refresh_from_db()
        assert (run.state, run.attempts, run.error) == (State.WAITING, 0, "StoreUnavailable: no quorum")
    assert here.history.work(never, backoff) == 1
    run.refresh_from_db()
    assert (run.state, run.error) == (State.DONE, "")


def test_a_run_that_ends_the_process_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    monkeypatch.setattr(runs, "start", dies(rebuild.start, after=False))
    for _ in range(runs.MAX_DEATHS):
        with pytest.raises(Killed):
            here.history.work(never)
    assert here.history.work(never) == 1
    run.refresh_from_db()
    assert (run.state, run.error) == (
        State.FAILED, "The worker's process ended 10 times while the rules were being applied.",
    )  # fmt: skip


def test_progress_begins_the_count_of_attempts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "TASK_ROWS", 1)
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    HistoryRun.objects.update(attempts=runs.MAX_DEATHS - 1)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "finish_draft", dies(rebuild.finish_draft, after=False))
        with pytest.raises(Killed):
            here.history.work(never)
    run.refresh_from_db()
    assert run.attempts == 1


@pytest.mark.parametrize(
    ("error", "attempts", "said"),
    [
        (OverflowError("date value out of range"), 1, "Try 1 of 3 failed: OverflowError: date value out of range"),
        (StoreUnavailable("no quorum"), 0, "StoreUnavailable: no quorum"),
    ],
)
def test_a_try_that_made_progress_and_failed_is_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, attempts: int, said: str
) -> None:
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    HistoryRun.objects.update(attempts=runs.MAX_ATTEMPTS - 1)
    breaks(monkeypatch, "finish_draft", error)
    assert here.history.work(never, tolerant()) == 0
    run.refresh_from_db()
    assert (run.state, run.attempts, run.error, run.rows_done) == (State.WAITING, attempts, said, run.rows)


@pytest.mark.parametrize("step", STEPS[:-2])
def test_a_run_that_is_found_running_can_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The wish is looked at before the run is taken up again, with the error that it would meet."""
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    with monkeypatch.context() as patch:
        patch.setattr(runs, step, dies(getattr(runs, step), after=True))
        with pytest.raises(Killed):
            here.history.work(never)
    run.refresh_from_db()
    assert run.state == State.RUNNING
    request_action(run, RequestedAction.CANCEL)
    here.restart()
    breaks(monkeypatch, "start", OverflowError("date value out of range"))
    here.history.work(never)
    run.refresh_from_db()
    assert (run.state, run.generation) == (State.CANCELLED, None)


def test_a_run_that_is_live_already_is_too_late_to_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = filled(tmp_path)
    run = create_run(here.store, rules(1), "ada")
    with monkeypatch.context() as patch:
        patch.setattr(runs, "swap", dies(generations.swap, after=True))
        with pytest.raises(Killed):
            here.history.work(never)
    run.refresh_from_db()
    request_action(run, RequestedAction.CANCEL)
    here.restart()
    assert here.history.work(never) == 1
    run.refresh_from_db()
    assert (run.state, run.wish, here.store.live(SHOP.id)) == (State.DONE, "", 2)


@pytest.mark.parametrize("step", ["swap", "release"])
def test_a_run_that_is_live_and_waits_is_too_late_to_be_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Its process was killed, or property 0 could not release its hits. It can be rolled back then, too."""
    here = Installation(tmp_path, [SHOP])
    here.send(ga4(1, property=BLOG), ga4(2))
    here.receive()
    Property.objects.create(id=BLOG.id, name="Blog", measurement_id=BLOG.measurement_id)
    run = create_run(here.store, msgspec.structs.replace(plain_ruleset(BLOG), number=1), "ada")
    with monkeypatch.context() as patch:
        if step == "swap":
            patch.setattr(runs, step, dies(generations.swap, after=True))
            with pytest.raises(Killed):
                here.history.work(never)
            assert here.history.work(always) == 0  # the state is as a new process leaves it
        else:
            breaks(patch, step, StoreUnavailable("no quorum"))
            assert here.history.work(never, tolerant()) == 0
    run.refresh_from_db()
    assert (run.state, here.store.live(BLOG.id)) == (State.WAITING, run.generation)
    request_action(run, RequestedAction.CANCEL)
    here.history.work(never)
    run.refresh_from_db()
    assert (run.state, run.wish, run.error, run.rows_done) == (State.DONE, "", "", run.rows)
    assert (here.view(BLOG.id).counts().counted, here.view(0).counts().accepted) == (1, 0)
    request_action(run, RequestedAction.UNDO)
    assert here.history.work(never) == 1
    assert here.history.active_properties() == set()


def test_a_waiting_run_is_cancelled_while_the_worker_is_busy(tmp_path: Path) -> None:
    here = filled(tmp_path)
    create_run(here.store, rules(1), "ada")
    waiting = create_run(here.store, Ruleset(BLOG.id, 1, plain_ruleset(BLOG).settings), "bob")

    def cancel(running: HistoryRun) -> None:
        if HistoryRun.objects.get(pk=waiting.pk).state == State.WAITING:
            request_action(waiting, RequestedAction.CANCEL)
            waiting.refresh_from_db()
            assert waiting.state == State.CANCELLED

    assert here.history.work(never, on_progress=cancel) == 1
    assert dict(HistoryRun.objects.values_list("property", "state")) == {SHOP.id: State.DONE, BLOG.id: State.CANCELLED}
