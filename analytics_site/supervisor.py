"""Keeps an installation's processes running in the foreground: one that dies is started again, and all end together."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

TURN_S: Final = 0.05
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
STEADY_AFTER_S: Final = 10.0
PATIENCE_S: Final = 20.0
PR_SET_PDEATHSIG: Final = 1

Say = Callable[[str], None]


class ProcessSpec(NamedTuple):
    """One process. A `lasting` one is started again whenever it ends; another runs once, then calls `done`."""

    name: str
    command: Sequence[str]
    lasting: bool = True
    done: Callable[[], None] = lambda: None


class Child:
    """A part as it runs."""

    def __init__(self, part: ProcessSpec, folder: Path, say: Say) -> None:
        self.part, self._folder, self._say = part, folder, say
        self._pause, self._due = FIRST_PAUSE_S, 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.over = False

    def tend(self, now: float) -> None:
        """Starts it when it is time, notices its end."""
        if self.process is None:
            if not self.over and now >= self._due:
                self._start(now)
        elif self.process.poll() is not None:
            self._ended(now, self.process.returncode)

    def tell(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _start(self, now: float) -> None:
        self._started = now
        self.process = subprocess.Popen(  # noqa: S603 -- the commands are our own
            self.part.command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C reaches the supervisor only, which then stops the parts in order
            preexec_fn=_end_with_parent(os.getpid()),
        )

    def _ended(self, now: float, status: int) -> None:
        self.process = None
        if not self.part.lasting:
            self._finished(status)
            return
        self._pause = FIRST_PAUSE_S if now - self._started >= STEADY_AFTER_S else self._pause
        self._say(f"{self.part.name} ended ({_in_words(status)}); starting it again in {self._pause:.1f} s")
        self._due, self._pause = now + self._pause, min(self._pause * 2, LONGEST_PAUSE_S)

    def _finished(self, status: int) -> None:
        self.over = True
        if status == 0:
            self.part.done()
        else:
            self._say(f"{self.part.name} did not work out ({_in_words(status)})")


class Supervisor:
    """`ready` is asked until it says yes; then `on_ready` is called and the parts `afterwards` are started."""

    def __init__(self, parts: Sequence[ProcessSpec], folder: Path, say: Say, *, patience_s: float = PATIENCE_S) -> None:
        self._children = [Child(part, folder, say) for part in parts]
        self._folder, self._say, self._patience_s = folder, say, patience_s
        self._stop = threading.Event()

    def run(
        self, ready: Callable[[], bool], on_ready: Callable[[], None], afterwards: Sequence[ProcessSpec] = ()
    ) -> None:
        """Returns when SIGINT or SIGTERM came and every part has ended; a second signal ends them at once."""
        with self._signals():
            waiting = True
            while not self._stop.wait(TURN_S):
                self._tend()
                if waiting and ready():
                    waiting = False
                    on_ready()
                    self._children += [Child(part, self._folder, self._say) for part in afterwards]
            self._end()

    def stop(self) -> None:
        if self._stop.is_set():
            self._tell(signal.SIGKILL)
        self._stop.set()

    def _tend(self) -> None:
        for child in self._children:
            child.tend(time.monotonic())

    def _end(self) -> None:
        self._tell(signal.SIGTERM)
        deadline = time.monotonic() + self._patience_s
        while any(child.running() for child in self._children):
            if time.monotonic() > deadline:
                self._say("a part does not stop by itself: killed")
                self._tell(signal.SIGKILL)
                deadline = float("inf")
            time.sleep(TURN_S)

    def _tell(self, number: signal.Signals) -> None:
        for child in self._children:
            child.tell(number)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means: go on when the terminal is closed
            numbers.append(signal.SIGHUP)
        before = [signal.signal(number, lambda *_: self.stop()) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """Asks Linux to send SIGTERM to the child when the supervisor is gone, whatever ended it. Elsewhere: nothing."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask


def _in_words(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
