"""Keeps the files of the embedded log short, in a thread beside the appends."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from collection.log.embedded.batch_file import BatchFile, wal_bytes

LONG_WAL_BYTES: Final = 8 * 1024 * 1024

logger = logging.getLogger(__name__)

FileTask = Callable[[], None]


class Housekeeper:
    """Runs tasks in one thread, started at the first task. A failed task is logged: it costs disk space, not a hit."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[FileTask | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._checkpointing = False

    def checkpoint_if_long(self, path: Path) -> None:
        if not self._checkpointing and wal_bytes(path) > LONG_WAL_BYTES:
            self._checkpointing = True
            self._start(lambda: self._checkpoint(path))

    def fold(self, file: BatchFile) -> None:
        """Empties the write-ahead file of a sealed file and closes it."""
        self._start(lambda: fold(file))

    def close(self) -> None:
        """Waits until all tasks are done."""
        if self._thread is not None:
            self._tasks.put(None)
            self._thread.join()
            self._thread = None

    def _start(self, task: FileTask) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="log-housekeeper", daemon=True)
            self._thread.start()
        self._tasks.put(task)

    def _work(self) -> None:
        while task := self._tasks.get():
            try:
                task()
            except (sqlite3.Error, OSError):
                logger.exception("housekeeping of the log failed")

    def _checkpoint(self, path: Path) -> None:
        try:
            file = BatchFile(path)
            try:
                file.checkpoint("PASSIVE")
            finally:
                file.close()
        finally:
            self._checkpointing = False


def fold(file: BatchFile) -> None:
    try:
        file.checkpoint("TRUNCATE")
    finally:
        file.close()
