"""Computes the hashes of passwords, a few at a time, beside everything else that a process does.

Every place that makes or checks a password comes through here, so no number of requests can take all processors, or all
threads that answer requests.
"""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from functools import cache
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

LONGEST_WAIT_S: Final = 10.0
LOWER_BY: Final = 5  # as `nice` counts: a hash waits while requests are answered, but comes to its end beside a report


class HashesBusy(Exception):
    """As many hashes are being computed, and wait, as may be."""


class BoundedPBKDF2(PBKDF2PasswordHasher):
    """Django's own hash, by the threads of this module. Raises HashesBusy."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        return _hashing().run(lambda: super(BoundedPBKDF2, self).encode(password, salt, iterations))


class Hashing:
    """Runs `at_once` hashes at a time; as many again wait."""

    def __init__(self, at_once: int, longest_wait_s: float = LONGEST_WAIT_S) -> None:
        self._threads = ThreadPoolExecutor(at_once, "password", initializer=_lower_priority)
        self._places = threading.BoundedSemaphore(2 * at_once)
        self._longest_wait_s = longest_wait_s

    def run(self, compute: Callable[[], str]) -> str:
        """Raises HashesBusy at once if nobody else may wait, or if it takes too long."""
        if not self._places.acquire(blocking=False):
            raise HashesBusy
        hashed: Future[str] = self._threads.submit(compute)
        hashed.add_done_callback(lambda _: self._places.release())
        try:
            return hashed.result(self._longest_wait_s)
        except NotInTime as error:
            hashed.cancel()
            raise HashesBusy from error


@cache
def _hashing() -> Hashing:
    return Hashing(settings.PASSWORD_HASHES)


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere the priority is that of the whole process
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWER_BY)
