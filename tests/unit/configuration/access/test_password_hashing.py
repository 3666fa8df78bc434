"""Hashes of passwords: at most so many at once, as many again wait, and others are refused at once."""

from threading import Event, Lock, Semaphore, Thread

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from configuration.access.password_hashing import BoundedPBKDF2, HashesBusy, Hashing


def test_it_works() -> None:
    encoded = BoundedPBKDF2().encode("a long password", "salt", iterations=10)
    assert encoded == PBKDF2PasswordHasher().encode("a long password", "salt", iterations=10)
    assert BoundedPBKDF2().verify("a long password", encoded)


def test_at_most_two_run_and_two_wait() -> None:
    hashing, go_on, enough = Hashing(2, longest_wait_s=60), Event(), Event()
    lock, begun, running, most, results, refused = Lock(), Semaphore(0), 0, 0, [], []

    def compute() -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        begun.release()
        go_on.wait(60)
        with lock:
            running -= 1
        return "hash"

    def ask() -> None:
        try:
            results.append(hashing.run(compute))
        except HashesBusy:
            refused.append(1)
            if len(refused) == 6:
                enough.set()

    threads = [Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)  # nothing is done yet, so six of ten found no place
    assert begun.acquire(timeout=60)
    assert begun.acquire(timeout=60)
    go_on.set()
    for thread in threads:
        thread.join()
    assert (len(results), len(refused), most) == (4, 6, 2)
    assert hashing.run(lambda: "again") == "again"


def test_a_wait_has_an_end() -> None:
    hashing, go_on = Hashing(1, longest_wait_s=0.01), Event()
    try:
        for _ in range(3):
            with pytest.raises(HashesBusy):
                hashing.run(lambda: str(go_on.wait(60)))
    finally:
        go_on.set()


def test_an_error_comes_through() -> None:
    def fail() -> str:
        raise ValueError("no salt")

    with pytest.raises(ValueError, match="no salt"):
        Hashing(1).run(fail)


def test_the_product_uses_it() -> None:
    from analytics_site import settings

    assert settings.PASSWORD_HASHERS == ["configuration.access.password_hashing.BoundedPBKDF2"]
