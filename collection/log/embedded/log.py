"""The embedded log: a folder of SQLite files with one partition, number 0, for all processes of one machine.

    id                            32 hexadecimal digits
    00000000000000000000.log      batches from offset 0 on; sealed when the next file is created
    00000000000000104217.log      the tail: the file that is appended to
    subscriptions                 positions, and the first offset that is still held

Trimming unlinks whole files instead of deleting rows: its cost stays even, and full addresses leave the disk.
"""

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from collection.log.embedded.batch_file import (
    PARTITION,
    BatchFile,
    FileState,
    StoredBatch,
    make_file,
    publish,
    sync_folder,
)
from collection.log.embedded.housekeeping import Housekeeper
from collection.log.embedded.subscriptions import Subscriptions
from collection.log.port import BeyondEnd, CorruptLog, LogEntry, LogUnavailable, Trimmed
from configuration.private_files import check_private_folder

FILE_BYTES: Final = 64 * 1024 * 1024
FILE_AGE_US: Final = 15 * 60 * 1_000_000
CHECK_EVERY_APPENDS: Final = 64  # the size and age of the tail
CHECK_EVERY_US: Final = 1_000_000
OPEN_FILES: Final = 8
SUFFIX: Final = ".log"
ADVICE: Final = "put back what is missing, or move the folder away and restart: a new log begins, without these hits"


def now_us() -> int:
    return time.time_ns() // 1000  # noqa: TID251 - what a log is handed if nothing else is


class EmbeddedLog:
    """See `collection.log.port.Log`. A new file is started at `file_bytes` or `file_age_us`."""

    def __init__(
        self,
        folder: Path,
        *,
        file_bytes: int = FILE_BYTES,
        file_age_us: int = FILE_AGE_US,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._file_age_us = file_age_us
        self._clock = clock
        self._appending = threading.Lock()
        self._reading = threading.RLock()
        self._tail: BatchFile | None = None
        self._least_end = 0  # of the log, as far as this process knows
        self._appends_until_check = 0
        self._next_check_us = 0
        self._open: dict[int, BatchFile] = {}
        self._housekeeper = Housekeeper()
        with unavailable("cannot be opened"):
            check_private_folder(folder)  # full addresses are in it
            self._id = log_id(folder)
            self._subscriptions = Subscriptions(folder / "subscriptions")
            if not any(self._files()):
                make_file(self._path(0), 0, clock())

    @property
    def id(self) -> str:
        return self._id

    def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
        if not hits:
            return
        with self._appending, unavailable("cannot be written"):
            try:
                self._append([value for _, value in hits])
            except BaseException:
                self._keep_a_reader()
                self._close_tail()
                raise

    def partitions(self) -> list[int]:
        return [PARTITION]

    def starts(self) -> dict[int, int]:
        with self._reading, unavailable("cannot be read"):
            return {PARTITION: self._start()}

    def ends(self) -> dict[int, int]:
        with self._reading, unavailable("cannot be read"):
            return {PARTITION: self._end()}

    def read(self, partition: int, first: int, last: int) -> list[LogEntry]:
        self._check(partition)
        with self._reading, unavailable("cannot be read"):
            if first < (start := self._start()):
                raise Trimmed(f"partition {partition} begins at offset {start}, asked for {first}")
            if last >= (end := self._end()):
                raise BeyondEnd(f"partition {partition} ends before offset {end}, asked for {last}")
            return list(self._entries(first, last))

    def position(self, name: str, partition: int) -> int:
        self._check(partition)
        with self._reading, unavailable("cannot be read"):
            return self._subscriptions.position(name, partition)

    def commit(self, name: str, partition: int, offset: int) -> None:
        self._check(partition)
        with self._reading, unavailable("cannot be written"):
            self._subscriptions.commit(name, partition, offset)

    def seek(self, partition: int, at_us: int) -> int:
        self._check(partition)
        with self._reading, unavailable("cannot be read"):
            offsets = (self._file(base).seek(at_us) for base in self._bases())
            first = next((offset for offset in offsets if offset is not None), self._end())
            return max(first, self._start())

    def trim(self, partition: int, before: int) -> None:
        self._check(partition)
        with self._reading, unavailable("cannot be trimmed"):
            end = self._end()
            self._subscriptions.hold_from(partition, min(before, end))
            if before >= end:
                self._start_next_file(self._file(self._bases()[-1]))
            for base, next_base in self._extents():
                if next_base is not None and next_base <= before:
                    self._close_file(base)
                    for suffix in ("", "-wal", "-shm"):
                        self._path(base).with_name(self._path(base).name + suffix).unlink(missing_ok=True)
            sync_folder(self._folder)

    def verify(self) -> list[str]:
        with self._reading, unavailable("cannot be read"):
            faults = []
            for base in self._bases():
                file = self._file(base)
                faults += [f"partition {PARTITION}, file {file.path.name}: {damage}" for damage in file.damage()]
                faults += [str(error) for error in file.corrupt_batches()]
            for base, next_base in self._extents():
                if next_base is not None and (end := self._file(base).state().end) != next_base:
                    faults.append(str(CorruptLog(PARTITION, end, next_base - 1, "offsets are missing")))
            return faults

    def close(self) -> None:
        self._housekeeper.close()
        with self._appending, self._reading:
            self._close_tail()
            for file in self._open.values():
                file.close()
            self._open.clear()
            self._subscriptions.close()

    def _append(self, values: list[bytes]) -> None:
        now = self._clock()
        while not (tail := self._writable()).append(values, now):
            self._start_next_file(tail)
            self._close_tail()
        self._least_end += len(values)
        self._appends_until_check -= 1
        if self._appends_until_check <= 0 or now >= self._next_check_us:
            self._check_tail(tail, now)

    def _check_tail(self, tail: BatchFile, now: int) -> None:
        """Starts a new file if the tail is full or old. Never raises: the batch is durable, its append must succeed."""
        self._appends_until_check, self._next_check_us = CHECK_EVERY_APPENDS, now + CHECK_EVERY_US
        if tail.size() < self._file_bytes and now - tail.made_us < self._file_age_us:
            self._housekeeper.checkpoint_if_long(tail.path)
            return
        try:
            self._start_next_file(tail)
        except (sqlite3.Error, OSError):
            self._close_tail()
        else:
            self._tail, self._appends_until_check = None, 0
            self._housekeeper.fold(tail)

    def _start_next_file(self, file: BatchFile) -> None:
        """Seals a file and creates its successor. After a crash in between, the next append does the rest."""
        if file.state().end == file.base:
            return
        file.seal()
        end = file.state().end
        make_file(self._path(end), end, self._clock())

    def _writable(self) -> BatchFile:
        """Returns the file to append to. Raises LogUnavailable if the end of the log was deleted meanwhile.

        Its offsets were given to other hits, so nothing may be written under them again.
        """
        if self._tail is None:
            tail = BatchFile(self._path(self._bases()[-1]))
            end = tail.state().end
            if end < self._least_end:
                tail.close()
                raise LogUnavailable(
                    f"the log ends before offset {end}, but hits up to {self._least_end - 1} were written: its newest"
                    f" file in {self._folder} was deleted or replaced; {ADVICE}"
                )
            self._tail, self._least_end = tail, end
        return self._tail

    def _keep_a_reader(self) -> None:
        """Opens a reading connection, so that a full disk does not stop reading.

        The last connection that closes deletes the -wal and -shm files; opening them again would need disk space.
        """
        with self._reading, suppress(sqlite3.Error, OSError):
            self._state()

    def _close_tail(self) -> None:
        """Closes the tail. After a failed fsync the connection's cached pages may differ from the disk."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _state(self) -> FileState:
        """Returns the state of the newest file. Lists the folder only if the newest open file is sealed."""
        if self._open and not (state := self._open[newest := max(self._open)].state()).sealed:
            try:
                self._open[newest].check()
            except OSError:
                self._close_file(newest)
                raise
            return state
        return self._file(self._bases()[-1]).state()

    def _end(self) -> int:
        return self._state().end

    def _start(self) -> int:
        return max(self._subscriptions.held_from(PARTITION), self._bases()[0])

    def _entries(self, first: int, last: int) -> Iterator[LogEntry]:
        due = first
        for batch in self._batches(first, last):
            if batch.first > due or batch.end <= due:
                raise CorruptLog(PARTITION, due, max(due, batch.first - 1), "offsets are missing")
            yield from (
                LogEntry(due + i, value)
                for i, value in enumerate(batch.values[due - batch.first : last + 1 - batch.first])
            )
            due = batch.end
        if due <= last:
            raise CorruptLog(PARTITION, due, last, "offsets are missing")

    def _batches(self, first: int, last: int) -> Iterator[StoredBatch]:
        for base, end in self._extents():
            if base <= last and (end is None or end > first):
                yield from self._file(base).batches(max(first, base), last)

    def _extents(self) -> list[tuple[int, int | None]]:
        """Returns each file's first offset and its successor's: [(0, 100), (100, 250), (250, None)]."""
        bases = self._bases()
        return list(zip(bases, [*bases[1:], None], strict=True))

    def _file(self, base: int) -> BatchFile:
        if base not in self._open:
            if len(self._open) >= OPEN_FILES:
                self._close_file(min(self._open))
            self._open[base] = BatchFile(self._path(base))
        return self._open[base]

    def _close_file(self, base: int) -> None:
        if file := self._open.pop(base, None):
            file.close()

    def _bases(self) -> list[int]:
        """Returns the first offset of every file, ascending. Raises FileNotFoundError if there is none."""
        bases = sorted(int(path.stem) for path in self._files())
        if not bases:
            raise FileNotFoundError(f"all of its files in {self._folder} were deleted; {ADVICE}")
        return bases

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"[0-9]*{SUFFIX}")

    def _path(self, base: int) -> Path:
        return self._folder / f"{base:020d}{SUFFIX}"

    def _check(self, partition: int) -> None:
        if partition != PARTITION:
            raise ValueError(f"the embedded log has partition {PARTITION} only, not {partition}")


@contextmanager
def unavailable(problem: str) -> Iterator[None]:
    """Turns errors of SQLite and of the file system into LogUnavailable: "the log <problem>: …"."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LogUnavailable(f"the log {problem}: {error}") from error


def log_id(folder: Path) -> str:
    """Returns the id of the log in this folder, creating it at the first call."""
    path = folder / "id"
    if not path.exists():
        draft = folder / f".id.{uuid.uuid4().hex}"
        with draft.open("w") as file:
            file.write(uuid.uuid4().hex)
            file.flush()
            os.fsync(file.fileno())
        publish(draft, path)
    return path.read_text()
