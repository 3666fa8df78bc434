"""The dispatcher by itself: what it sends, when it sends it again, and what it does where others are away."""

import random
import threading
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from configuration.ruleset.context import Context
from processing.concurrency.backoff import Backoff
from processing.concurrency.failures import failures
from processing.concurrency.leases import hold_lease
from processing.models import Erasure, Range
from processing.receiving import ledger, range_receiver
from processing.receiving.batcher import MAX_WAIT_BUSY_S, RangeBatcher
from processing.receiving.contexts import Contexts
from processing.store.port import CorruptBlob, StoreUnavailable
from processing.workers import dispatcher, jobs
from processing.workers.dispatcher import LEASE, DispatchIntervals
from tests.support.dispatching import INTERVALS, Dispatched
from tests.support.installation import SHOP, ga4, plain_rules

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def here(tmp_path: Path) -> Dispatched:
    return Dispatched(tmp_path, random.Random(1))


def dispatch(here: Dispatched) -> list[tuple[str, int]]:
    """What is sent by two turns, between which a first hit waited long enough."""
    here.broker.jobs.clear()
    here.dispatcher.dispatch_ranges()
    here.now += 1
    here.dispatcher.dispatch_ranges()
    return here.broker.jobs[:]


def test_it_works(here: Dispatched) -> None:
    here.send(ga4(1))
    here.dispatcher.dispatch_ranges()
    assert here.broker.jobs == []
    (job,) = dispatch(here)
    assert dispatch(here) == []
    here.now += INTERVALS.range_again_s
    assert dispatch(here) == [job]
    assert here.workers[0].receive(job[1]) == 1
    here.now += INTERVALS.range_again_s
    assert dispatch(here) == []
    assert here.workers[1].receive(job[1]) == 0


def test_a_range_grows_while_the_one_before_is_received(here: Dispatched) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)
    here.send(ga4(2))
    assert dispatch(here) == []
    here.send(ga4(3))
    here.workers[0].receive(job[1])
    (job,) = dispatch(here)
    assert here.workers[0].receive(job[1]) == 2


def test_it_does_not_wait_for_ever(here: Dispatched) -> None:
    here.send(ga4(1))
    dispatch(here)
    here.send(ga4(2))
    here.dispatcher.dispatch_ranges()
    here.now += MAX_WAIT_BUSY_S
    (job,) = dispatch(here)
    assert here.workers[0].receive(job[1]) == 1


def test_what_waits_is_not_sent_again_however_late_it_is(here: Dispatched) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)
    here.now += 10 * INTERVALS.range_again_s
    here.dispatcher.dispatch_ranges()
    assert here.broker.jobs == [job]


def test_a_range_that_somebody_began_is_given_more_time(here: Dispatched) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)
    Range.objects.update(begun=True)
    here.now += INTERVALS.range_again_s
    assert dispatch(here) == []
    here.now += INTERVALS.started_again_s
    assert dispatch(here) == [job]


def test_a_range_of_another_log_is_not_received_from_this_one(here: Dispatched) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)
    Range.objects.update(log="0" * 32)
    assert here.workers[0].receive(job[1]) == 0
    assert here.store.blocks() == []


def test_only_attempts_that_ended_without_a_word_are_counted(here: Dispatched, monkeypatch: pytest.MonkeyPatch) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)

    def away(*_: object) -> None:
        raise StoreUnavailable("no quorum")

    with monkeypatch.context() as patch:
        patch.setattr(here.store, "put_block", away)
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                here.workers[0].receive(job[1])
    assert Range.objects.get().attempts == 0
    assert here.workers[0].receive(job[1]) == 1


@pytest.mark.parametrize(
    ("kind", "module", "step"), [("receive", range_receiver, "encode_block"), ("seal", jobs, "seal")]
)
def test_what_failed_in_one_process_and_works_in_another_is_not_shown(
    here: Dispatched, monkeypatch: pytest.MonkeyPatch, kind: str, module: ModuleType, step: str
) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)
    if kind == "seal":
        here.workers[0].receive(job[1])
    number = job[1] if kind == "receive" else SHOP.id
    with monkeypatch.context() as patch:
        patch.setattr(module, step, broken)
        with pytest.raises(OverflowError):
            getattr(here.workers[0], kind)(number)
    assert [failure.tries for failure in failures()] == [1]
    assert getattr(here.workers[1], kind)(number) == 1
    assert failures() == []


def broken(*_: object) -> None:
    raise OverflowError("date value out of range")


def test_a_second_attempt_says_nothing_of_what_the_first_received(here: Dispatched) -> None:
    here.send(ga4(1))
    (job,) = dispatch(here)
    slow = Range.objects.get()
    here.workers[0].receive(job[1])
    slow.lost = 1
    assert not ledger.finish(slow)
    assert Range.objects.get().lost == 0


def test_a_dispatcher_that_comes_late_does_not_take_the_log_for_another_one(here: Dispatched) -> None:
    here.send(ga4(1))
    late = RangeBatcher(here.log, Contexts(here.store, plain_rules), lambda: Context(()), lambda: here.now)
    ranges = late.next_ranges(at_once=True)  # has not looked yet
    ends = here.log.ends()
    here.send(ga4(2))
    Range.objects.create(log=here.log.id, partition=0, first=0, last=1, context="c")
    with patch.object(here.log, "ends", side_effect=[ends, here.log.ends()]):
        assert list(ranges) == []


def test_a_run_that_cannot_be_carried_out_does_not_hold_up_erasures(here: Dispatched) -> None:
    work = here.workers[0]

    def fail(*_: object) -> int:
        raise CorruptBlob("a block")

    with (
        patch.object(work._maintenance.history, "work", fail),
        patch.object(work._maintenance.erasures, "work", return_value=1),
    ):
        assert work.process_requests(lambda: False) == 1


def test_an_erasure_does_not_wait_for_the_end_of_a_run(here: Dispatched, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends only when an erasure was looked for twice: before it, and beside it."""
    monkeypatch.setattr(jobs, "ERASE_EVERY_S", 0.01)
    work, looked = here.workers[0], threading.Semaphore(0)

    def erase(*_: object) -> int:
        looked.release()
        return 0

    def long_run(*_: object) -> int:
        assert all(looked.acquire(timeout=60) for _ in range(2))
        return 1

    with (
        patch.object(work._maintenance.history, "work", long_run),
        patch.object(work._maintenance.erasures, "work", erase),
    ):
        assert work.process_requests(lambda: False) == 1


def test_no_more_is_given_out_than_workers_keep_up_with(here: Dispatched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MAX_RANGE_HITS", 1)
    here.send(*(ga4(number) for number in range(dispatcher.MAX_RANGES + 10)))
    assert len(dispatch(here)) == dispatcher.MAX_RANGES
    assert dispatch(here) == []
    here.workers[0].receive(ledger.unfinished(here.log.id)[5].pk)
    assert len(dispatch(here)) == 1


def test_while_the_broker_is_away_hits_stay_in_the_log(here: Dispatched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MAX_RANGE_HITS", 1)
    here.send(ga4(1), ga4(2), ga4(3))

    def away(number: int) -> None:
        raise ConnectionError("the broker is away")

    with monkeypatch.context() as patch:
        patch.setattr(here.broker, "receive", away)
        for _ in range(3):
            with pytest.raises(ConnectionError):
                dispatch(here)
    assert Range.objects.count() == 1
    assert len(dispatch(here)) == 3


def test_a_tail_is_sealed_once_at_a_time_and_again_when_nothing_came_of_it(here: Dispatched) -> None:
    here.send(ga4(1))
    here.workers[0].receive(dispatch(here)[0][1])
    here.dispatcher.dispatch_seals()
    here.now += 4_000
    assert seals(here) == [("seal", SHOP.id)]
    assert seals(here) == []
    here.now += INTERVALS.seal_again_s
    assert seals(here) == [("seal", SHOP.id)]
    assert here.workers[0].seal(SHOP.id)
    here.now += INTERVALS.seal_again_s
    assert seals(here) == []
    assert not here.workers[1].seal(SHOP.id)


def seals(here: Dispatched) -> list[tuple[str, int]]:
    here.broker.jobs.clear()
    here.dispatcher.dispatch_seals()
    return here.broker.jobs[:]


def test_nothing_is_sealed_while_rows_are_taken_out(here: Dispatched) -> None:
    here.send(ga4(1))
    here.workers[0].receive(dispatch(here)[0][1])
    here.dispatcher.dispatch_seals()
    here.now += 4_000
    request = Erasure.objects.create(
        property=SHOP.id, kind=Erasure.Kind.VISITORS, until_us=0, asked_by="t", removing=True
    )
    assert seals(here) == []
    assert not here.workers[0].seal(SHOP.id)
    request.delete()
    assert seals(here) == [("seal", SHOP.id)]


def test_a_property_that_another_worker_seals_is_left_alone(here: Dispatched) -> None:
    here.send(ga4(1))
    here.workers[0].receive(dispatch(here)[0][1])
    with hold_lease(f"writing property {SHOP.id}", 30):
        assert not here.workers[1].seal(SHOP.id)
    assert here.workers[1].seal(SHOP.id)


def test_a_log_that_went_back_stops_it(here: Dispatched) -> None:
    here.send(ga4(1))
    dispatch(here)
    Range.objects.update(last=10)
    with pytest.raises(ledger.LogWentBack):
        here.elect()


def test_one_dispatches_and_another_takes_over(here: Dispatched) -> None:
    stop, other = threading.Event(), threading.Event()
    here.dispatcher._intervals = DispatchIntervals(
        turn_s=0.01, seal_every_s=0.01, maintenance_every_s=0.01, lease_s=1.0
    )
    here.dispatcher._clock = time.monotonic
    here.dispatcher.backoff = Backoff(fatal=(ledger.LogWentBack,))
    with hold_lease(LEASE, 1.0) as lease:
        assert lease
        thread = threading.Thread(target=run, args=(here.dispatcher, stop, other))
        thread.start()
        here.send(ga4(1))
        time.sleep(1.5)  # longer than a lease that nobody keeps up
        assert here.broker.jobs == []
    limit = time.monotonic() + 30
    while not here.broker.jobs:
        assert time.monotonic() < limit, "nobody takes over"
        time.sleep(0.02)
    stop.set()
    thread.join(30)
    assert other.is_set()
    with hold_lease(LEASE, 1.0) as lease:
        assert lease


def run(dispatcher: Any, stop: threading.Event, ended: threading.Event) -> None:
    dispatcher.run(stop)
    connection.close()
    ended.set()
