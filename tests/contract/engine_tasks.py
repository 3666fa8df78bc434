"""Functions for engines to run: another process must be able to import them.

What happens is seen in a folder: `note` leaves a file for each attempt, `hold` keeps a lock for as long as it runs.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from processing.engine import open_engine

PATIENCE_S: Final = 300  # Spark takes more than a minute to start where others are at work


class Job(NamedTuple):
    folder: Path
    number: int


class Surroundings(NamedTuple):
    nice: int
    polars_threads: int
    process: int
    group: int


def jobs(folder: Path, count: int) -> list[Job]:
    return [Job(folder, number) for number in range(count)]


def square(number: int) -> int:
    return number * number


def echo(value: Any) -> Any:
    return value


def note(job: Job) -> int:
    (job.folder / f"attempt-{job.number}-{os.getpid()}-{uuid4().hex}").touch()
    return job.number


def attempts(folder: Path) -> Counter[int]:
    """How often each job was begun."""
    return Counter(int(path.name.split("-")[1]) for path in folder.glob("attempt-*"))


def workers(folder: Path) -> list[int]:
    """The processes that began a job, once for each attempt."""
    return [int(path.name.split("-")[2]) for path in folder.glob("attempt-*")]


def fail(number: int) -> int:
    if number == 3:
        raise ValueError(f"no {number}")
    return number


class Secretive(Exception):
    """Neither it nor what it holds can be pickled."""

    def __init__(self) -> None:
        super().__init__(lambda: None)


def fail_secretively(_: int) -> int:
    raise Secretive


def leave(_: int) -> int:
    raise SystemExit(4)


def unsendable(_: int) -> object:
    return lambda: None


def meet(job: Job) -> int:
    """Done when another job is under way at the same time."""
    note(job)
    await_that(lambda: len(attempts(job.folder)) > 1, "nobody else came")
    return job.number


def wait_for_go(job: Job) -> int:
    """Job 0 is done at once, the others when there is a file `go`."""
    note(job)
    await_that(lambda: not job.number or (job.folder / "go").exists(), "nobody said go")
    return job.number


def die_once(job: Job) -> int:
    """The first attempts of jobs 2 and 5 end their process."""
    note(job)
    if job.number in (2, 5) and attempts(job.folder)[job.number] == 1:
        die()
    return job.number


def die_always(job: Job) -> int:
    """Job 1 ends its process."""
    note(job)
    if job.number == 1:
        die()
    return job.number


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hold(job: Job) -> int:
    """Job 0 is done at once, the others never."""
    if job.number:
        with (job.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            note(job)
            time.sleep(PATIENCE_S)
    return job.number


def hold_or_fail(job: Job) -> int:
    """Fails for a negative number as soon as somebody holds."""
    if job.number >= 0:
        return hold(job)
    await_that(lambda: attempts(job.folder), "nobody holds")
    raise ValueError("fails")


def await_end_of_holders(folder: Path) -> None:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def surroundings(_: int) -> Surroundings:
    import polars as pl  # half a second for each process, and no other function needs it

    return Surroundings(os.nice(0), pl.thread_pool_size(), os.getpid(), os.getpgrp())


def run_for_ever(url: str, folder: str) -> None:
    with closing(open_engine(url)) as engine:
        list(engine.run(hold, jobs(Path(folder), 5)[1:]))


def kill_a_parent(url: str, folder: Path) -> None:
    """A process that runs such jobs on an engine of its own, until two are under way."""
    program = f"from tests.contract.engine_tasks import run_for_ever; run_for_ever({url!r}, {str(folder)!r})"
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).resolve().parents[2])
    try:
        await_that(lambda: len(attempts(folder)) == 2, "they do not start")
    finally:
        parent.kill()
        parent.wait()


def await_that(condition: Callable[[], object], otherwise: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, otherwise
        time.sleep(0.01)


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
