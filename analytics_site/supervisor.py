"""Runs an installation's processes in the foreground: restarts a process that dies, and stops all of them together."""

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

POLL_S: Final = 0.05
MIN_PAUSE_S: Final = 0.2
MAX_PAUSE_S: Final = 5.0
STABLE_AFTER_S: Final = 10.0
PROVEN_AFTER_S: Final = 60.0
MAX_PAUSE_PROVEN_S: Final = 1.0  # of a process that has run for a minute: it is not broken, somebody kills it
STOP_TIMEOUT_S: Final = 20.0
PR_SET_PDEATHSIG: Final = 1

WriteLine = Callable[[str], None]


class ProcessSpec(NamedTuple):
    """A process to run. With `restart` it is started again whenever it ends; otherwise it runs once.

    `on_success` is called when a process that runs once ends with status 0.
    """

    name: str
    command: Sequence[str]
    restart: bool = True
    on_success: Callable[[], None] = lambda: None


class Child:
    """The running process of a ProcessSpec."""

    def __init__(self, spec: ProcessSpec, folder: Path, write_line: WriteLine) -> None:
        self._spec, self._folder, self._write_line = spec, folder, write_line
        self._pause_s, self._max_pause_s, self._start_at = MIN_PAUSE_S, MAX_PAUSE_S, 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._finished = False

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def update(self, now: float) -> None:
        """Starts the process when it is due; handles its end."""
        if self._process is None:
            if not self._finished and now >= self._start_at:
                self._start(now)
        elif (status := self._process.poll()) is not None:
            self._process = None
            if self._spec.restart:
                self._schedule_restart(now, status)
            else:
                self._finish(status)

    def send_signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _start(self, now: float) -> None:
        self._started_at = now
        self._process = subprocess.Popen(  # noqa: S603 -- the commands are our own
            self._spec.command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C reaches the supervisor only, which then stops all processes
            preexec_fn=_terminate_with_parent(os.getpid()),
        )

    def _schedule_restart(self, now: float, status: int) -> None:
        lived_s = now - self._started_at
        if lived_s >= STABLE_AFTER_S:
            self._pause_s = MIN_PAUSE_S
        if lived_s >= PROVEN_AFTER_S:
            self._max_pause_s = MAX_PAUSE_PROVEN_S
        self._write_line(f"{self._spec.name} ended ({_describe(status)}); starting it again in {self._pause_s:.1f} s")
        self._start_at, self._pause_s = now + self._pause_s, min(self._pause_s * 2, self._max_pause_s)

    def _finish(self, status: int) -> None:
        self._finished = True
        if status == 0:
            self._spec.on_success()
        else:
            self._write_line(f"{self._spec.name} failed ({_describe(status)})")


class Supervisor:
    """Runs processes until it receives a signal. `write_line` shows a message to the operator."""

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        folder: Path,
        write_line: WriteLine,
        *,
        stop_timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        """A process that still runs `stop_timeout_s` after SIGTERM is killed."""
        self._children = [Child(spec, folder, write_line) for spec in specs]
        self._folder, self._write_line, self._stop_timeout_s = folder, write_line, stop_timeout_s
        self._stop = threading.Event()

    def run(
        self,
        is_ready: Callable[[], bool],
        on_ready: Callable[[], None],
        start_when_ready: Sequence[ProcessSpec] = (),
    ) -> None:
        """Runs until SIGINT or SIGTERM arrives and every process has ended; a second signal kills them at once.

        Calls `is_ready` until it is true, then `on_ready` once, and then starts the last group of processes.
        """
        with self._signal_handlers():
            announced = False
            while not self._stop.wait(POLL_S):
                for child in self._children:
                    child.update(time.monotonic())
                if not announced and is_ready():
                    announced = True
                    on_ready()
                    self._children += [Child(spec, self._folder, self._write_line) for spec in start_when_ready]
            self._stop_children()

    def stop(self) -> None:
        """Makes `run` stop the processes; the second call kills them."""
        if self._stop.is_set():
            self._send_signal(signal.SIGKILL)
        self._stop.set()

    def _stop_children(self) -> None:
        self._send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._stop_timeout_s
        while any(child.is_running for child in self._children):
            if time.monotonic() > deadline:
                self._write_line(f"a process did not stop within {self._stop_timeout_s:g} s and was killed")
                self._send_signal(signal.SIGKILL)
                deadline = float("inf")
            time.sleep(POLL_S)

    def _send_signal(self, number: signal.Signals) -> None:
        for child in self._children:
            child.send_signal(number)

    @contextmanager
    def _signal_handlers(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup ignores it: keep running without a terminal
            numbers.append(signal.SIGHUP)
        before = [signal.signal(number, lambda *_: self.stop()) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)


def _terminate_with_parent(parent: int) -> Callable[[], None] | None:
    """Returns a `preexec_fn`: Linux then sends SIGTERM to the child when its parent dies, even by SIGKILL."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def request_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # the parent died before the request
            os.kill(os.getpid(), signal.SIGTERM)

    return request_signal


def _describe(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
