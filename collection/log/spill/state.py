"""What is on the disk beside the spilled hits: how far they were carried over, and who may do it."""

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from collection.log.embedded.batch_file import sync_folder
from collection.log.port import LogUnavailable

NAME: Final = "mark"


class SpillState(msgspec.Struct, frozen=True):
    """Everything below `next` is in the log. The `doubt` hits from there on may be, at `floor` or later.

    `floor` are offsets of the log named `log`, by partition.
    """

    next: int
    doubt: int = 0
    log: str = ""
    floor: dict[int, int] = {}


class FolderTaken(LogUnavailable):
    """Another collector spills into the folder."""


class SpillFolder:
    """Held by one process until it is closed; the system lets go of it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, FolderTaken."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / NAME
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            self._lock.close()
            raise FolderTaken(f"another collector spills into {folder}") from taken

    def read(self) -> SpillState | None:
        """The mark that was written last."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=SpillState)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise LogUnavailable(f"{self._path} is damaged: {error}") from error

    def write(self, mark: SpillState) -> None:
        """Durable on return. Raises OSError."""
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(mark))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        sync_folder(self._path.parent)

    def close(self) -> None:
        self._lock.close()
