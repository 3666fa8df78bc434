"""Shows the progress of a long command: one changing line in a terminal, a line every 10 seconds elsewhere."""

import time
from collections.abc import Callable
from typing import Final, TextIO, TypeAlias

# Long work calls it now and then: what is being done, how many things of it are done, and of how many (None: unknown).
OnProgress: TypeAlias = Callable[[str, int, int | None], None]

TERMINAL_INTERVAL_S: Final = 0.2
INTERVAL_S: Final = 10.0
ERASE_LINE: Final = "\r\x1b[2K"


def ignore_progress(subject: str, done: int, total: int | None) -> None:
    """An OnProgress for work that nobody watches."""


class ProgressLine:
    """Writes to `out` the work done, its rate, and the time left. `clock` returns seconds."""

    def __init__(self, out: TextIO, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._out, self._unit, self._clock = out, unit, clock
        self._terminal = out.isatty()
        self._started = self._shown = clock()
        self._share_at_start: float | None = None

    def show(self, done: int, share: float | None) -> None:
        """Shows `done` units of this run. `share`: done of all work, 0 to 1, or None. Most calls write nothing."""
        if self._share_at_start is None and done == 0:
            self._share_at_start = share
        if self._due():
            self._write(self._text(done, share, self.seconds()))

    def count_down(self, left: int) -> None:
        if self._due():
            self._write(f"{left:,} {self._unit}")

    def clear(self) -> None:
        """Clears the line in a terminal."""
        if self._terminal:
            self._out.write(ERASE_LINE)
            self._out.flush()

    def seconds(self) -> float:
        return self._clock() - self._started

    def rate(self, done: int) -> float:
        """Returns units per second since the start."""
        return done / max(self.seconds(), 0.001)

    def _due(self) -> bool:
        now = self._clock()
        due = now - self._shown >= (TERMINAL_INTERVAL_S if self._terminal else INTERVAL_S)
        self._shown = now if due else self._shown
        return due

    def _write(self, text: str) -> None:
        self._out.write(f"{ERASE_LINE}{text}" if self._terminal else f"{text}\n")
        self._out.flush()

    def _text(self, done: int, share: float | None, passed: float) -> str:
        parts = [f"{done:,} {self._unit}", f"{self.rate(done):,.0f} a second"]
        share_done = share - (self._share_at_start or 0) if share is not None else 0  # an earlier run did the rest
        if share is not None and share_done > 0:
            parts += [f"{share:.0%}", f"{duration(passed / share_done * (1 - share))} left"]
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Formats a duration: `42 s`, `3 min 05 s`, `2 h 07 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
