"""Every task of the workers fails by itself: for one property here, while the other one is served.

CASES has one entry for each member of `Task`, so that a new loop cannot be forgotten: it needs a member to be tried
again at all, and the member needs a case. A case breaks the task for SHOP, and asserts that BLOG proceeds.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from configuration.drafts import snapshot
from configuration.models import Property
from configuration.ruleset.context import Context, ReceiveSettings
from configuration.ruleset.ruleset import Ruleset, plain_ruleset
from processing.concurrency.backoff import Backoff, Task
from processing.concurrency.failures import DatabaseRecord, failures
from processing.maintenance import compaction
from processing.models import Erasure, HistoryRun, Range
from processing.privacy import erasure_requests
from processing.privacy.erasure_requests import erase_visitors
from processing.receiving import ledger, range_receiver
from processing.receiving.backlog import Backlog
from processing.receiving.backlog_scan import BacklogScan
from processing.reprocessing import runs
from processing.reprocessing.run_requests import RequestedAction, create_run, request_action
from processing.store import raw_block
from processing.workers import dispatcher, housekeeping, wiring, worker
from processing.workers.dispatcher import Dispatcher
from tests.support import clock
from tests.support.dispatching import Dispatched
from tests.support.erasing import KEPT, key_of
from tests.support.installation import BLOG, NOON, SHOP, Installation, ga4

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

State = HistoryRun.State
BOTH = (SHOP, BLOG)


class Broken(RuntimeError):
    """What nobody expects."""


class Here(Installation):
    """An installation with a hit of each property, whose worker records its failures."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.patch = patch
        self.worker.backoff = Backoff(lambda: self.now, record=DatabaseRecord())
        for settings in BOTH:
            Property.objects.create(id=settings.id, name=settings.name, measurement_id=settings.measurement_id)

    @property
    def backoff(self) -> Backoff:
        return self.worker.backoff

    def fill(self) -> None:
        for number, settings in enumerate(BOTH):
            self.send(ga4(number, property=settings, client=KEPT))
        self.receive()
        self.worker.seal(everything=True)

    def break_for_shop(self, module: Any, name: str) -> list[int]:
        """Lets a function raise where SHOP is among its arguments. Returns the other properties it is called for."""
        real, called = getattr(module, name), list[int]()

        def broken(*arguments: Any, **options: Any) -> Any:
            numbers = [each for each in arguments if isinstance(each, int)]
            if SHOP.id in numbers:
                raise Broken(f"shop, {name}")
            called.extend(numbers[:1])
            return real(*arguments, **options)

        self.patch.setattr(module, name, broken)
        return called


def apply_rules(here: Here, settings: ReceiveSettings) -> HistoryRun:
    return create_run(here.store, Ruleset(settings.id, 1, plain_ruleset(settings).settings), "ada")


def states() -> list[str]:
    return list(HistoryRun.objects.order_by("property").values_list("state", flat=True))


def never() -> bool:
    return False


class Turns(threading.Event):
    """Is set after so many looks at it: a loop makes as many turns."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.left = turns

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0 or super().is_set()

    def is_set(self) -> bool:
        return self.left <= 0 or super().is_set()


# Tasks of one property, request or run.


def receive_range(here: Here) -> None:
    encode = raw_block.encode_block

    def broken(frames: Any) -> bytes:
        if SHOP.id in frames:
            raise Broken("shop")
        return encode(frames)

    with here.patch.context() as patch:
        patch.setattr(range_receiver, "encode_block", broken)
        for settings in BOTH:
            here.send(ga4(1, property=settings))
            here.worker.receiver.receive(here.backoff, at_once=True)
        assert Range.objects.filter(done_at=None).count() == 1
        assert here.view(BLOG.id).counts().counted == 1
        assert here.worker.receiver.receive(here.backoff, at_once=True) == 0  # not due yet
    here.now += 60
    assert here.worker.receiver.receive(here.backoff, at_once=True) == 1
    assert here.view(SHOP.id).counts().counted == 1
    assert failures() == []
    here.worker.receiver.receive(here.backoff, at_once=True)
    here.backoff.note(Task.RECEIVE_RANGE, Broken("for the assertion of all cases"), 1)


def seal(here: Here) -> None:
    for settings in BOTH:
        here.send(ga4(1, property=settings))
    here.receive()
    here.break_for_shop(worker, "seal")
    assert here.worker.seal(everything=True) == [BLOG.id]


def read_settings(here: Here) -> None:
    """The published version of SHOP was edited by hand, or is of a later program."""
    real = snapshot.receive_settings_of

    def broken(properties: Any) -> Any:
        if SHOP.id in properties.values_list("pk", flat=True):
            raise Broken("shop")
        return real(properties)

    def of_all() -> Any:
        return broken(Property.objects.all())

    here.patch.setattr(wiring, "receive_settings", of_all)
    here.patch.setattr(wiring, "receive_settings_of", broken)
    here.patch.setattr(wiring, "_settings_backoff", here.backoff)
    here.context = wiring.current_context()
    assert [settings.id for settings in here.context.properties] == [BLOG.id]
    for settings in BOTH:
        here.send(ga4(1, property=settings))
    here.receive()
    assert here.view(BLOG.id).counts().counted == 1
    assert here.view(0).counts().reasons == {"unknown property": 1}


def read_manifest(here: Here) -> None:
    here.fill()
    for settings in BOTH:
        here.send(ga4(7, property=settings))
    here.receive()
    here.break_for_shop(here.store, "manifest")
    backlog = Backlog()
    BacklogScan(here.store, backlog, lambda: here.now).rebuild(here.backoff)
    assert BLOG.id in backlog.ready(here.now, everything=True)


def maintain(here: Here) -> None:
    here.fill()
    done = here.break_for_shop(worker, "run_short_maintenance")
    here.worker.run_maintenance(NOON)
    assert done == [BLOG.id]


def apply(here: Here) -> None:
    here.fill()
    for settings in BOTH:
        apply_rules(here, settings)
    here.break_for_shop(runs, "start")
    for _ in range(runs.MAX_ATTEMPTS):
        here.history.work(never, here.backoff)
        assert states()[1] == State.DONE
        here.now += 60
    assert states() == [State.FAILED, State.DONE]
    (failed,) = HistoryRun.objects.filter(state=State.FAILED)
    assert failed.error == "It failed 3 times; the worker's output says more: Broken: shop, start"
    here.backoff.note(Task.APPLY_RULES, Broken("for the assertion of all cases"), SHOP.id)  # the run is over


def roll_back(here: Here) -> None:
    here.fill()
    done = [apply_rules(here, settings) for settings in BOTH]
    here.history.work(never)
    for run in done:
        run.refresh_from_db()
        request_action(run, RequestedAction.UNDO)
    here.break_for_shop(runs, "swap")
    here.history.work(never, here.backoff)
    assert states() == [State.DONE, State.UNDONE]


def end_run(here: Here) -> None:
    here.fill()
    for settings in BOTH:
        apply_rules(here, settings)
    here.history.work(never, on_progress=lambda run: request_action(run, RequestedAction.PAUSE))
    assert states() == [State.PAUSED, State.PAUSED]
    for run in HistoryRun.objects.all():
        request_action(run, RequestedAction.CANCEL)
    assert states() == [State.CANCELLED, State.CANCELLED]
    here.break_for_shop(runs, "remove_generation")
    here.history.work(never, here.backoff)
    assert [len(here.store.generations(settings.id)) for settings in BOTH] == [2, 1]


def expire_generation(here: Here) -> None:
    here.fill()
    for settings in BOTH:
        apply_rules(here, settings)
    here.history.work(never)
    later = runs.HistoryRunner(here.store, "", lambda: None, lambda: clock.now() + timedelta(days=8))  # type: ignore[arg-type, return-value]
    here.break_for_shop(runs, "remove_generation")
    later.expire_generations(here.backoff)
    assert [len(here.store.generations(settings.id)) for settings in BOTH] == [2, 1]


def erase(here: Here) -> list[Erasure]:
    here.fill()
    return [
        erase_visitors(here.store, item, [key_of(KEPT, settings)], "ada", here.wall_clock())
        for item, settings in zip(Property.objects.order_by("pk"), BOTH, strict=True)
    ]


def remove_rows(here: Here) -> None:
    erase(here)
    here.break_for_shop(erasure_requests, "remove_erased")
    assert here.erasures.work(never, here.backoff) == 1
    shop, blog = Erasure.objects.order_by("pk")
    assert (shop.removed_at, shop.error) == (None, "Broken: shop, remove_erased")
    assert blog.removed_at
    assert not blog.error


def finish_erasure(here: Here) -> None:
    erase(here)
    here.erasures.work(never)
    here.break_for_shop(erasure_requests, "clean_blocks")
    here.patch.setattr(erasure_requests, "orphans", lambda store: set())
    here.patch.setattr(erasure_requests, "received_until", lambda log, now: now + timedelta(days=1))
    here.erasures.finish_requests(clock.now(), lambda property: None, here.backoff)
    shop, blog = Erasure.objects.order_by("pk")
    assert (shop.done_at, shop.error) == (None, "Broken: shop, clean_blocks")
    assert blog.done_at


def expire_tombstones(here: Here) -> None:
    here.fill()
    done = here.break_for_shop(erasure_requests, "expire_tombstones")
    here.erasures.finish_requests(clock.now(), lambda property: None, here.backoff)
    assert done == [BLOG.id]


def merge_blocks(here: Here) -> None:
    here.patch.setattr(compaction, "MERGE_BLOCKS", 2)
    for properties in (BOTH, [SHOP], BOTH, [BLOG]):
        here.context = Context(tuple(properties))
        for number in range(compaction.MERGE_BLOCKS):
            here.send(ga4(number))
            here.receive()
    merge, tries = raw_block.merge, list[int]()

    def broken(blobs: list[bytes]) -> bytes:
        tries.append(len(blobs))
        if len(tries) == 1:
            raise Broken("the first run of blocks")
        return merge(blobs)

    here.patch.setattr(compaction, "merge", broken)
    assert compaction.merge_blocks(here.store, here.backoff) == 3
    assert len(tries) == 4


def delete_segment(here: Here) -> None:
    here.fill()
    for settings in BOTH:
        here.store.put_segment(f"{settings.id}-unused", {})
    done, delete = list[str](), here.store.delete_segment

    def broken(name: str) -> None:
        if name.startswith(f"{SHOP.id}-"):
            raise Broken("shop")
        done.append(name)
        delete(name)

    here.patch.setattr(here.store, "delete_segment", broken)
    here.worker.run_maintenance(NOON)
    here.now += 100
    here.worker.run_maintenance(NOON)
    assert done == [f"{BLOG.id}-unused"]


# Turns of loops: a turn fails as a whole, the loop makes the next one, and all other loops go on.


def turns_of(loop: Callable[[threading.Event], object]) -> None:
    loop(Turns(3))


@contextmanager
def no_threads(threads: Any) -> Iterator[Callable[[], None]]:
    yield lambda: None


def breaks(here: Here, target: Any, name: str) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise Broken(name)

    here.patch.setattr(target, name, broken)


def worker_loop(loop: str, target: Callable[[Here], Any], name: str) -> Callable[[Here], None]:
    def case(here: Here) -> None:
        here.fill()
        breaks(here, target(here), name)
        here.patch.setattr(worker, "run_beside", no_threads)
        turns_of(getattr(here.worker, loop))
        here.send(ga4(7, property=BLOG))
        assert name == "receive" or here.receive() == 1

    return case


def dispatcher_loop(loop: Callable[[Dispatcher, threading.Event], object], target: Any, name: str) -> Any:
    def case(here: Here) -> None:
        dispatched = Dispatched(here.folder / "dispatched", random.Random(1))
        dispatched.dispatcher.backoff = here.worker.backoff = Backoff(lambda: here.now, record=DatabaseRecord())
        breaks(here, target or dispatched.dispatcher, name)
        here.patch.setattr(dispatcher, "run_beside", no_threads)
        turns_of(lambda stop: loop(dispatched.dispatcher, stop))

    return case


def of_housekeeping(task: Task) -> Callable[[Here], None]:
    """Breaks one task of the round; all others are done."""

    def case(here: Here) -> None:
        here.fill()
        done = set[Task]()

        def step(own: Task, real: Callable[..., Any]) -> Callable[..., Any]:
            def run(*arguments: Any, **options: Any) -> Any:
                if own == task:
                    raise Broken(own)
                done.add(own)
                return real(*arguments, **options)

            return run

        here.worker._housekeeping._config = here.worker.maintenance
        for own, (target, name) in housekeeping_steps(here).items():
            here.patch.setattr(target, name, step(own, getattr(target, name)))
        here.worker.run_maintenance(NOON)
        assert done == set(housekeeping_steps(here)) - {task}

    return case


def housekeeping_steps(here: Here) -> dict[Task, tuple[Any, str]]:
    own = here.worker._housekeeping
    return {
        Task.DELETE_BLOCKS: (own, "_delete_covered_blocks"),
        Task.DELETE_SEGMENTS: (own, "_delete_unused_segments"),
        Task.FINISHING_ERASURES: (here.erasures, "finish_requests"),
        Task.SCRUB: (own, "_scrub"),
        Task.EXPIRE_DAY_SALTS: (housekeeping, "expire_received_salts"),
        Task.EXPIRE_PROPERTY_SALTS: (own, "_expire_property_salts"),
        Task.MERGE_RANGES: (ledger, "merge_old_ranges"),
        Task.EMPTY_JOURNAL: (housekeeping, "empty_journal"),
        **({} if own._config.log_hours is None else {Task.TRIM_LOG: (housekeeping, "trim")}),
    }


def trim_log(here: Here) -> None:
    here.log_hours = 72
    here.restart()
    here.worker.backoff = Backoff(lambda: here.now, record=DatabaseRecord())
    of_housekeeping(Task.TRIM_LOG)(here)


CASES: dict[Task, Callable[[Here], None]] = {
    Task.START: dispatcher_loop(lambda made, stop: made._has_started(stop, SimpleNamespace(lost=never)), None, "start"),  # type: ignore[arg-type]
    Task.LEAD: dispatcher_loop(lambda made, stop: made.run(stop), dispatcher, "hold_lease"),
    Task.DISPATCHING: dispatcher_loop(lambda made, stop: made._lead(stop), None, "dispatch_ranges"),
    Task.DISPATCHING_SEALS: dispatcher_loop(
        lambda made, stop: made._dispatch_seals_until(stop), None, "dispatch_seals"
    ),
    Task.RECEIVING: worker_loop("run", lambda here: here.worker.receiver, "receive"),
    Task.SEALING: worker_loop("_seal_until", lambda here: here.worker.backlog, "ready"),
    Task.MAINTENANCE: dispatcher_loop(
        lambda made, stop: made._run_maintenance_until(stop), None, "run_maintenance"
    ),
    Task.HISTORY: worker_loop("_apply_rules_until", lambda here: here.history, "work"),
    Task.ERASING: worker_loop("_erase_until", lambda here: here.erasures, "work"),
    Task.RECEIVE_RANGE: receive_range,
    Task.SEAL: seal,
    Task.READ_SETTINGS: read_settings,
    Task.READ_MANIFEST: read_manifest,
    Task.MAINTAIN: maintain,
    Task.APPLY_RULES: apply,
    Task.ROLL_BACK: roll_back,
    Task.END_RUN: end_run,
    Task.EXPIRE_GENERATION: expire_generation,
    Task.REMOVE_ROWS: remove_rows,
    Task.FINISH_ERASURE: finish_erasure,
    Task.EXPIRE_TOMBSTONES: expire_tombstones,
    Task.MERGE_BLOCKS: merge_blocks,
    Task.DELETE_SEGMENT: delete_segment,
    Task.TRIM_LOG: trim_log,
    **{
        task: of_housekeeping(task)
        for task in (
            Task.DELETE_BLOCKS, Task.DELETE_SEGMENTS, Task.FINISHING_ERASURES, Task.SCRUB, Task.EXPIRE_DAY_SALTS,
            Task.EXPIRE_PROPERTY_SALTS, Task.MERGE_RANGES, Task.EMPTY_JOURNAL,
        )
    },
}  # fmt: skip


def test_it_works() -> None:
    assert set(CASES) == set(Task)


@pytest.mark.parametrize("task", Task)
def test_a_failure_stops_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: Task) -> None:
    here = Here(tmp_path, monkeypatch)
    CASES[task](here)
    assert len(here.backoff) == 1
    (shown,) = failures()
    assert shown.task.startswith(task.value.partition("{")[0])
    assert shown.reason.startswith("Broken")
    if "property {}" in task.value:
        assert (shown.property, shown.property_name) == (SHOP.id, SHOP.name)
    assert failures(BLOG.id) == [shown for shown in failures() if shown.property is None]
