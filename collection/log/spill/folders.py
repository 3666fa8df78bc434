"""Spilling of several collectors that share a data folder: each spills into the first folder that is free.

The folder of a collector that has stopped may hold acknowledged hits: the running collectors check every half minute,
and carry them over. A lock in the folder marks it as used. A folder is never deleted: a starting collector may be about
to lock it.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from collection.log.embedded.log import EmbeddedLog
from collection.log.port import Log, LogError, LogUnavailable
from collection.log.spill.log import SpillingLog
from collection.log.spill.state import FolderTaken

MAX_COLLECTORS: Final = 64
CHECK_EVERY_S: Final = 30.0
POLL_S: Final = 0.1

logger = logging.getLogger(__name__)


class SharedSpillingLog(SpillingLog):
    """See `SpillingLog`. `open_log` opens the log: once for this one, and once for each folder that is carried over."""

    def __init__(self, open_log: Callable[[], Log], folder: Path, *, check_every_s: float = CHECK_EVERY_S) -> None:
        """Raises LogUnavailable if no folder can be used."""
        self._open_log, self._check_every_s = open_log, check_every_s
        self._folders = list(folders(folder))
        self._stopping = threading.Event()
        self._open_first_free_folder(open_log())
        self._checking = threading.Thread(target=self._check_folders, name="log-spill-left", daemon=True)
        self._checking.start()

    def close(self) -> None:
        self._stopping.set()
        self._checking.join()
        super().close()

    def _open_first_free_folder(self, log: Log) -> None:
        for path in self._folders:
            try:
                super().__init__(log, path)
            except FolderTaken:
                continue
            return
        raise LogUnavailable(f"{MAX_COLLECTORS} collectors spill beside {self._folders[0]}, the maximum")

    def _check_folders(self) -> None:
        while not self._stopping.wait(self._check_every_s):
            for path in self._folders:
                try:
                    self._carry_over(path)
                except LogError as error:
                    logger.error("hits of a stopped collector cannot be carried over from %s yet: %s", path, error)

    def _carry_over(self, path: Path) -> None:
        """Carries over the hits of a stopped collector; nothing if the folder is in use or empty. Raises LogError."""
        if not has_hits(path):
            return
        try:
            abandoned = SpillingLog(self._open_log(), path)  # its thread carries the hits over
        except FolderTaken:
            return
        with closing(abandoned):
            total = abandoned.spilled
            while abandoned.spilled and not self._stopping.wait(POLL_S):
                pass
            logger.warning(
                "carried over %d of %d hits of a stopped collector from %s", total - abandoned.spilled, total, path
            )


def folders(first: Path) -> Iterator[Path]:
    """`spill`, `spill-2`, `spill-3`, …"""
    yield first
    yield from (first.with_name(f"{first.name}-{number}") for number in range(2, MAX_COLLECTORS + 1))


def has_hits(folder: Path) -> bool:
    """Returns whether the folder may hold hits that are not in the log. Raises LogUnavailable."""
    if not (folder / "hits").exists():
        return False
    with closing(EmbeddedLog(folder / "hits")) as hits:
        return hits.starts() != hits.ends()
