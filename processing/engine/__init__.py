"""The engine: where parallel work runs. Its promises are in `port.py`."""

import os
from urllib.parse import urlsplit

from processing.engine.port import Engine, EngineFailed, Stopped, TaskFailed, never

__all__ = ["Engine", "EngineFailed", "Stopped", "TaskFailed", "never", "open_engine"]


def open_engine(url: str) -> Engine:
    """The engine at an address. Raises ValueError for one that is none.

    `processes://4` has four processes of this machine, `processes://` one for each core that we may use, and
    `processes://0` none but the calling one.
    """
    scheme, place, *rest = urlsplit(url)
    if scheme == "processes" and not any(rest) and (not place or (place.isascii() and place.isdecimal())):
        from processing.engine.embedded import ProcessEngine, SerialEngine

        processes = int(place) if place else _cores()
        return ProcessEngine(processes) if processes else SerialEngine()
    raise ValueError(f"not the address of an engine: {url!r}")


def _cores() -> int:
    """Elsewhere than on Linux: those of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
