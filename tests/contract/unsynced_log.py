"""Run as a process of its own: append to an embedded log, and after every acknowledged append cut the power on paper.

Arguments: folder, bytes per file, synchronous mode. Prints the numbers of the appends that a cut at that moment lost.
"""

import os
import sqlite3
import sys
from pathlib import Path

from collection.log.embedded import batch_file as batches
from collection.log.embedded import housekeeping
from collection.log.embedded.log import EmbeddedLog
from tests.support.unsynced import Layer

APPENDS = 40


def value(number: int) -> bytes:
    return b"hit %d " % number * 500


def main(folder: Path, file_bytes: int, mode: str) -> None:
    layer = Layer()
    weaken(mode)
    vars(housekeeping).update(LONG_WAL_BYTES=100_000)
    log = EmbeddedLog(folder / "log", file_bytes=file_bytes)
    lost = [number for number in range(APPENDS) if not survives(layer, log, folder, number)]
    sys.stdout.write(f"{lost}\n")
    sys.stdout.flush()
    os._exit(0)  # the layer must not be taken down before SQLite is


def weaken(mode: str) -> None:
    connect = batches.connect

    def weak(path: Path, how: str = "rw") -> sqlite3.Connection:
        connection = connect(path, how)
        connection.execute(f"PRAGMA synchronous = {mode}")
        return connection

    if mode != "FULL":
        vars(batches).update(connect=weak)


def survives(layer: Layer, log: EmbeddedLog, folder: Path, number: int) -> bool:
    log.append([(b"key", value(number))])
    layer.cut(folder / "log", folder / f"cut {number}")
    found = EmbeddedLog(folder / f"cut {number}")
    end = found.ends()[0]
    return end == number + 1 and [e.value for e in found.read(0, 0, number)] == [value(n) for n in range(number + 1)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
