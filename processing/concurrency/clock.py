"""The clock of workers: monotonic seconds, as `time.monotonic`. It is a parameter, so that tests set the time."""

from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
