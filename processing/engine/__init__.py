"""Runs tasks in parallel, in processes of this machine or on a cluster. The contract is in `port.py`."""

import os
import re
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from processing.engine.port import MOST_ATTEMPTS, Engine, EngineFailed, Stopped, TaskFailed, never_stop

__all__ = ["Engine", "EngineFailed", "Stopped", "TaskFailed", "never_stop", "open_engine"]


def open_engine(url: str) -> Engine:
    """Opens the engine that the URL selects. Raises ValueError if it selects none.

    `processes://4` runs four processes on this machine, `processes://` one for each core that this process may use, and
    `processes://0` runs tasks in the calling process. `spark://host:port` is the master of a Spark cluster; if it is on
    another machine, `?driver=10.0.0.7` is the address at which its executors reach this process. `spark-local://4` runs
    Spark inside this machine, with four threads.
    """
    parts = urlsplit(url)
    if parts.scheme in OPENERS and not parts.path and not parts.fragment:
        options = dict(parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True)) if parts.query else {}
        if engine := OPENERS[parts.scheme](parts.netloc, options):
            return engine
    raise ValueError(f"not the address of an engine: {url!r}")


def _processes(place: str, options: dict[str, str]) -> Engine | None:
    number = _number(place)
    if number is None or options:
        return None
    from processing.engine.embedded import ProcessEngine, SerialEngine

    return ProcessEngine(number) if number else SerialEngine()


def _spark(place: str, options: dict[str, str]) -> Engine | None:
    driver = options.pop("driver", LOOPBACK if _is_local(place) else "")
    if not re.fullmatch(MASTERS, place) or not driver or options:
        return None
    from processing.engine.spark import SparkEngine

    return SparkEngine(f"spark://{place}", driver)


def _spark_local(place: str, options: dict[str, str]) -> Engine | None:
    number = _number(place)
    if not number or options:
        return None
    from processing.engine.spark import SparkEngine

    return SparkEngine(f"local[{number},{MOST_ATTEMPTS}]")


OPENERS: Final = {"processes": _processes, "spark": _spark, "spark-local": _spark_local}
LOOPBACK: Final = "127.0.0.1"
MASTERS: Final = r"[^:,@]+:[0-9]+(,[^:,@]+:[0-9]+)*"  # one master, or several of which one is active


def _is_local(place: str) -> bool:
    return all(master.partition(":")[0] in (LOOPBACK, "localhost") for master in place.split(","))


def _number(place: str) -> int | None:
    """Parses a number of processes; None if it is not a number. Empty text: the cores that this process may use."""
    if place:
        return int(place) if place.isascii() and place.isdecimal() else None
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
