"""Leases: one of many processes, on any machine, does the work. The database's clock decides when a lease ends, so the
clocks of machines may differ.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, IntegrityError, close_old_connections, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from processing.models import Lease

logger = logging.getLogger(__name__)


def acquire(name: str, holder: str, for_s: float) -> bool:
    """Takes or prolongs a lease by `for_s`. Returns whether the holder has it now."""
    until = Now() + timedelta(seconds=for_s)
    free = Lease.objects.filter(Q(holder=holder) | Q(until__lt=Now()), name=name)
    if free.update(holder=holder, until=until):
        return True
    if Lease.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:
        return False
    return True


def release(name: str, holder: str) -> None:
    Lease.objects.filter(name=name, holder=holder).delete()


class HeldLease:
    """A lease that a thread of its own prolongs. Once it is lost, another process may have it."""

    def __init__(self, name: str, holder: str, for_s: float, acquired_at: float) -> None:
        self._name, self._holder, self._for_s = name, holder, for_s
        self._until = acquired_at + for_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._prolong_until_ended, name=f"lease of {name}", daemon=True)
        self._thread.start()

    def lost(self) -> bool:
        return time.monotonic() >= self._until

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _prolong_until_ended(self) -> None:
        try:
            while not self._ended.wait(self._for_s / 4) and not self.lost():
                self._prolong()
        finally:
            connection.close()

    def _prolong(self) -> None:
        now = time.monotonic()
        try:
            prolonged = acquire(self._name, self._holder, self._for_s)
        except DatabaseError as error:
            logger.warning("the lease of %s cannot be prolonged now: %s", self._name, error)
            close_old_connections()
            return
        self._until = now + self._for_s if prolonged else now


@contextmanager
def hold_lease(name: str, for_s: float) -> Iterator[HeldLease | None]:
    """Holds the lease until the end of the block. Yields None if another process has it."""
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    acquired_at = time.monotonic()
    if not acquire(name, holder, for_s):
        yield None
        return
    lease = HeldLease(name, holder, for_s, acquired_at)
    try:
        yield lease
    finally:
        lease.end()
        if not lease.lost():
            release(name, holder)
