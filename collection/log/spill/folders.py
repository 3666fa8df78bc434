"""Where collectors spill that share a data folder: each into a folder of its own, the first that nobody has.

A folder whose collector is gone may hold hits that were acknowledged: the others look now and then, and carry them
over. Who has a folder is said by the lock in it; so a folder is never deleted: somebody may be about to take it.
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

MOST_COLLECTORS: Final = 64
LOOK_EVERY_S: Final = 30.0
TURN_S: Final = 0.1

logger = logging.getLogger(__name__)


class SharedSpillingLog(SpillingLog):
    """See `SpillingLog`. `open_log` opens the log anew: for this one, and for each folder that is carried over."""

    def __init__(self, open_log: Callable[[], Log], folder: Path, *, look_every_s: float = LOOK_EVERY_S) -> None:
        """Raises LogUnavailable if no folder can be used."""
        self._open_log, self._look_every_s = open_log, look_every_s
        self._neighbours = list(folders(folder))
        self._leaving = threading.Event()
        self._take(open_log())
        self._looking = threading.Thread(target=self._look_around, name="log-spill-left", daemon=True)
        self._looking.start()

    def close(self) -> None:
        self._leaving.set()
        self._looking.join()
        super().close()

    def _take(self, log: Log) -> None:
        for path in self._neighbours:
            try:
                super().__init__(log, path)
            except FolderTaken:
                continue
            return
        raise LogUnavailable(f"{MOST_COLLECTORS} collectors spill beside {self._neighbours[0]}: that is the most")

    def _look_around(self) -> None:
        while not self._leaving.wait(self._look_every_s):
            for path in self._neighbours:
                try:
                    self._carry_over(path)
                except LogError as error:
                    logger.error("hits that were left in %s wait there: %s", path, error)

    def _carry_over(self, path: Path) -> None:
        """Does nothing where a collector has the folder, or where it is empty. Raises LogError."""
        if not waiting(path):
            return
        try:
            left = SpillingLog(self._open_log(), path)
        except FolderTaken:
            return
        with closing(left):
            found = left.spilled
            while left.spilled and not self._leaving.wait(TURN_S):
                pass
            logger.warning("%d of %d hits that were left in %s were carried over", found - left.spilled, found, path)


def folders(first: Path) -> Iterator[Path]:
    """`spill`, `spill-2`, `spill-3`, …"""
    yield first
    yield from (first.with_name(f"{first.name}-{number}") for number in range(2, MOST_COLLECTORS + 1))


def waiting(folder: Path) -> bool:
    """Whether hits may be in it that are not in the log. Raises LogUnavailable."""
    if not (folder / "hits").exists():
        return False
    with closing(EmbeddedLog(folder / "hits")) as hits:
        return hits.starts() != hits.ends()
