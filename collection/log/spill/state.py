"""The files beside the spilled hits: how far they were carried over, and the lock of the process that uses them."""

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from collection.log.embedded.batch_file import sync_folder
from collection.log.port import LogUnavailable
from configuration.private_files import check_private_folder

NAME: Final = "mark"


class SpillState(msgspec.Struct, frozen=True, rename={"unconfirmed": "doubt", "search_from": "floor"}):
    """All spilled hits below offset `next` are in the log. The `unconfirmed` hits from there on may be in it.

    If they are, they are in the log with the id `log`, at the offsets `search_from` (by partition) or later.
    """

    next: int
    unconfirmed: int = 0
    log: str = ""
    search_from: dict[int, int] = {}


class FolderTaken(LogUnavailable):
    """Another collector spills into the folder."""


class SpillFolder:
    """A folder locked by this process until `close`; the system releases the lock when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, FolderTaken."""
        check_private_folder(folder)
        self._path = folder / NAME
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise FolderTaken(f"another collector spills into {folder}") from error

    def read(self) -> SpillState | None:
        """Returns the state that was written last, None in a new folder. Raises LogUnavailable if it is damaged."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=SpillState)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise LogUnavailable(f"{self._path} is damaged: {error}") from error

    def write(self, state: SpillState) -> None:
        """Replaces the state, durable on return. Raises OSError."""
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        sync_folder(self._path.parent)

    def close(self) -> None:
        self._lock.close()
