"""Importing access logs: files of lines into the log, batch by batch, from where an earlier attempt was broken off."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from collection.access_logs.bookmark import Bookmark, ImportPosition
from collection.access_logs.files import LineFile
from collection.access_logs.lines import LineReader, LogLine
from collection.log.port import Log

FAULTS_SHOWN: Final = 20
MARK_EVERY_S: Final = 1.0

Clock = Callable[[], int]


class Fault(NamedTuple):
    """A line that will be rejected as malformed. Lines are numbered from 1 in each file."""

    file: str
    line: int
    cause: str


class FilesChanged(Exception):
    """The files do not begin with the lines that were imported before. The bookmark is gone: next time begins anew."""


class LogImport:
    """One import. `skipped` lines were in the log before, `sent` are since; `faults` are the first of `broken`."""

    def __init__(
        self, files: Sequence[LineFile], property: int, log: Log, bookmark: Bookmark | None, clock: Clock
    ) -> None:
        """`clock` gives the time of receipt, microseconds since 1970 UTC. Without a bookmark it cannot go on later."""
        self._files, self._log, self._bookmark, self._clock = files, log, bookmark, clock
        self._reader = LineReader(property)
        self._since = bookmark.read() if bookmark else None
        self._reached: ImportPosition | None = None
        self._marked_at = time.monotonic()
        self.skipped = self.sent = self.broken = 0
        self.faults: list[Fault] = []

    def run(self) -> Iterator[None]:
        """Yields after every batch, so that the caller can show progress. All lines are in the log when it ends.

        Raises FilesChanged before it sends anything, UnreadableFile, LogUnavailable.
        """
        for file in self._files:
            number = 1
            for lines in file.batches():
                known = self._skip(lines)
                self._send(lines[known:], file.name, number + known)
                number += len(lines)
                yield
        self._check_skipped()
        self._forget()

    def remember(self) -> None:
        """Write down how far it came."""
        self._marked_at = time.monotonic()
        if self._bookmark and self._reached:
            self._bookmark.write(self._reached)

    def share(self) -> float | None:
        """How much of the files is read, 0 to 1; None where a file does not tell its size."""
        sizes = [file.size for file in self._files]
        total = sum(size or 0 for size in sizes)
        return None if None in sizes or not total else sum(file.read_bytes() for file in self._files) / total

    def _skip(self, lines: Sequence[bytes]) -> int:
        """How many of these lines are in the log already."""
        left = self._since.lines - self.skipped if self._since else 0
        if left:
            self._reader.skip(lines[:left])
            self.skipped = self._reader.lines
            if left <= len(lines):
                self._check_skipped()
        return min(left, len(lines))

    def _check_skipped(self) -> None:
        if self._since and not self.sent and ImportPosition(self._reader.lines, self._reader.checksum) != self._since:
            self._forget()
            raise FilesChanged

    def _forget(self) -> None:
        self._reached = None
        if self._bookmark:
            self._bookmark.remove()

    def _send(self, lines: Sequence[bytes], file: str, first: int) -> None:
        entries = self._reader.read(lines, self._clock())
        self._log.append([(entry.key, entry.value) for entry in entries])
        self._reached = ImportPosition(self._reader.lines, self._reader.checksum)
        self.sent += len(entries)
        self._note_faults(entries, file, first)
        if time.monotonic() - self._marked_at >= MARK_EVERY_S:
            self.remember()

    def _note_faults(self, entries: Sequence[LogLine], file: str, first: int) -> None:
        faults = [Fault(file, first + i, entry.fault) for i, entry in enumerate(entries) if entry.fault is not None]
        self.broken += len(faults)
        self.faults += faults[: FAULTS_SHOWN - len(self.faults)]
