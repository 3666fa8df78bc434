"""Imports access logs: sends files of lines into the log, batch by batch, and continues an interrupted import."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from collection.access_logs.bookmark import Bookmark, ImportPosition
from collection.access_logs.files import LineFile
from collection.access_logs.lines import LineReader
from collection.log.port import Log

FAULTS_SHOWN: Final = 20
SAVE_EVERY_S: Final = 1.0

Clock = Callable[[], int]


class Fault(NamedTuple):
    """A line that will be rejected as malformed. Lines of a file are numbered from 1."""

    file: str
    line: int
    cause: str


class FilesChanged(Exception):
    """The files do not begin with the lines that were imported before. The bookmark is deleted: run it again."""


class LogImport:
    """One import. `skipped`: lines already in the log. `sent`: lines sent now; `malformed` of them will be rejected.

    `faults` describes the first FAULTS_SHOWN malformed lines.
    """

    def __init__(
        self,
        files: Sequence[LineFile],
        property: int,
        log: Log,
        bookmark: Bookmark | None,
        clock: Clock,
        format: str | None = None,
    ) -> None:
        """`clock` returns the time of receipt, microseconds since 1970 UTC. A bookmark lets a later import continue.

        `format`: a format string of Apache or nginx, None if the lines are in formats that need none.
        """
        self._files, self._log, self._bookmark, self._clock = files, log, bookmark, clock
        self._reader = LineReader(property, format)
        self._earlier = bookmark.read() if bookmark else None
        self._position: ImportPosition | None = None
        self._saved_at = time.monotonic()
        self.skipped = self.sent = self.malformed = 0
        self.faults: list[Fault] = []

    def run(self) -> Iterator[None]:
        """Sends all lines. Yields after every batch, so that the caller can show progress.

        Raises FilesChanged before it sends any line, UnreadableFile, LogUnavailable.
        """
        for file in self._files:
            number = 1
            for lines in file.batches():
                skipped = self._skip(lines)
                self._send(lines[skipped:], file.name, number + skipped)
                number += len(lines)
                yield
        self._check_skipped()
        self._delete_bookmark()

    def save_position(self) -> None:
        """Writes the bookmark."""
        self._saved_at = time.monotonic()
        if self._bookmark and self._position:
            self._bookmark.write(self._position)

    def share(self) -> float | None:
        """Returns the share of the files that has been read, 0 to 1; None if the size of a file is unknown."""
        sizes = [file.size for file in self._files]
        total = sum(size or 0 for size in sizes)
        return None if None in sizes or not total else sum(file.read_bytes() for file in self._files) / total

    def _skip(self, lines: Sequence[bytes]) -> int:
        """Passes over lines that are already in the log. Returns their number."""
        left = self._earlier.lines - self.skipped if self._earlier else 0
        if left:
            self._reader.skip(lines[:left])
            self.skipped = self._reader.lines
            if left <= len(lines):
                self._check_skipped()
        return min(left, len(lines))

    def _check_skipped(self) -> None:
        if (
            self._earlier
            and not self.sent
            and ImportPosition(self._reader.lines, self._reader.checksum) != self._earlier
        ):
            self._delete_bookmark()
            raise FilesChanged

    def _delete_bookmark(self) -> None:
        self._position = None
        if self._bookmark:
            self._bookmark.remove()

    def _send(self, lines: Sequence[bytes], file: str, first: int) -> None:
        entries = self._reader.read(lines, self._clock())
        self._log.append([(entry.key, entry.value) for entry in entries])
        self._position = ImportPosition(self._reader.lines, self._reader.checksum)
        self.sent += len(entries)
        faults = [Fault(file, first + i, entry.fault) for i, entry in enumerate(entries) if entry.fault is not None]
        self.malformed += len(faults)
        self.faults += faults[: FAULTS_SHOWN - len(self.faults)]
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self.save_position()
