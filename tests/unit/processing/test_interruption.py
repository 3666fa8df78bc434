"""Work that is ended between two pieces, in the thread that waits for it and in others that help."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from processing.interruption import checkpoint, in_thread, interruptible


class Enough(Exception):
    """Ends the work in a test."""


def end() -> None:
    raise Enough


def test_it_works() -> None:
    checkpoint()  # nobody waits: nothing happens
    with pytest.raises(Enough), interruptible(end):
        checkpoint()
    checkpoint()


def test_helping_threads_check_as_the_caller_does() -> None:
    with ThreadPoolExecutor(2) as pool:
        with interruptible(end):
            helping = [pool.submit(in_thread(checkpoint)) for _ in range(4)]
        assert [type(each.exception()) for each in helping] == [Enough] * 4
        assert pool.submit(checkpoint).exception() is None
