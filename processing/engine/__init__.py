"""Runs tasks in parallel, in processes of this machine or on a cluster. The contract is in `port.py`."""

import os
from typing import Final

from configuration.addresses import LOOPBACK, Address, parse_address
from processing.engine.port import MOST_ATTEMPTS, Engine, EngineFailed, Stopped, TaskFailed, never_stop

__all__ = ["Engine", "EngineFailed", "Stopped", "TaskFailed", "never_stop", "open_engine", "open_process"]


def open_engine(url: str) -> Engine:
    """Opens the engine that the URL selects. Raises ValueError if it selects none.

    `processes://4` runs four processes on this machine, `processes://` one for each core that this process may use, and
    `processes://0` runs tasks in the calling process. `spark://host:port` is the master of a Spark cluster; if it is on
    another machine, `?driver=10.0.0.7` is the address at which its executors reach this process. `spark-local://4` runs
    Spark inside this machine, with four threads.
    """
    address = parse_address(url, OPENERS, of="an engine")
    return OPENERS[address.scheme](address)


def open_process() -> Engine:
    """Opens an engine of one process beside this one, which attempts each task once."""
    from processing.engine.embedded import ProcessEngine

    return ProcessEngine(1, attempts=1)


def _processes(address: Address) -> Engine:
    from processing.engine.embedded import ProcessEngine, SerialEngine

    number = _number(address)
    return ProcessEngine(number) if number else SerialEngine()


def _spark(address: Address) -> Engine:
    """Opens a cluster with one master, or several of which one is active."""
    from processing.engine.spark import SparkEngine

    return SparkEngine(f"spark://{','.join(map(str, address.hosts))}", address.options.get("driver", LOOPBACK))


def _spark_local(address: Address) -> Engine:
    from processing.engine.spark import SparkEngine

    return SparkEngine(f"local[{_number(address)},{MOST_ATTEMPTS}]")


OPENERS: Final = {"processes": _processes, "spark": _spark, "spark-local": _spark_local}


def _number(address: Address) -> int:
    """Returns the number of processes in the address; without one, the cores that this process may use."""
    if address.hosts:
        return int(address.hosts[0].name)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
