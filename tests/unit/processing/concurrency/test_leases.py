"""Leases: one holder at a time, whatever becomes of the others."""

import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from processing.concurrency.leases import acquire, hold_lease, release
from processing.models import Lease

pytestmark = pytest.mark.django_db(transaction=True)

LONG_S = 100.0


def test_it_works() -> None:
    assert acquire("dispatcher", "one", LONG_S)
    assert not acquire("dispatcher", "two", LONG_S)
    assert acquire("dispatcher", "one", LONG_S)
    assert acquire("history", "two", LONG_S)
    release("dispatcher", "two")
    assert not acquire("dispatcher", "two", LONG_S)
    release("dispatcher", "one")
    assert acquire("dispatcher", "two", LONG_S)


def test_one_that_ran_out_is_free() -> None:
    assert acquire("dispatcher", "one", LONG_S)
    Lease.objects.update(until=Now() - timedelta(milliseconds=1))
    assert acquire("dispatcher", "two", LONG_S)
    assert not acquire("dispatcher", "one", LONG_S)


def test_it_is_kept_up_while_it_is_held_and_given_back_then() -> None:
    with hold_lease("history", 1.0) as lease:
        assert lease is not None
        until = Lease.objects.get().until
        limit = time.monotonic() + 30
        while Lease.objects.get().until <= until:
            assert time.monotonic() < limit, "nobody keeps it up"
            time.sleep(0.05)
        assert not lease.lost()
        with hold_lease("history", 1.0) as other:
            assert other is None
    assert not Lease.objects.exists()


def test_a_holder_learns_that_it_was_taken_away() -> None:
    with hold_lease("history", 0.4) as lease:
        assert lease is not None
        Lease.objects.update(holder="somebody else", until=Now() + timedelta(seconds=LONG_S))
        limit = time.monotonic() + 30
        while not lease.lost():
            assert time.monotonic() < limit, "it does not learn of it"
            time.sleep(0.05)
    assert Lease.objects.get().holder == "somebody else"


def test_of_many_one_gets_it() -> None:
    ready, got = threading.Barrier(8), list[bool]()

    def ask(name: str) -> None:
        ready.wait()
        while True:
            with suppress(OperationalError):  # a database in memory locks whole tables, and does not wait for them
                got.append(acquire("dispatcher", name, LONG_S))
                break
        connection.close()

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]
