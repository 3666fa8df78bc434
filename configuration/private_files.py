"""Keeps the folders of an installation from other users of the machine: addresses and secrets are in them."""

import logging
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

OTHERS: Final = 0o077  # what group and others may do
FOLDER_MODE: Final = 0o700

logger = logging.getLogger(__name__)


class NotPrivate(PermissionError):
    """Others can read a folder or file of ours, and this process may not change that; the message says what to do."""


def make_private_folder(folder: Path) -> None:
    """Makes the folder, or takes everything in an existing one from other users. Logs a warning if it did.

    Raises OSError, NotPrivate.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    changed = int(make_private(folder))
    with os.scandir(folder) as entries:
        changed += sum(map(_correct, _walk(entries)))
    if changed:
        logger.warning(
            "%s could be read by other users of this machine: the modes of %d folders and files were corrected."
            " Change the secrets in it if somebody may have read them.",
            *(folder, changed),
        )


def check_private_folder(folder: Path) -> None:
    """Does the same if the folder itself can be read by others; otherwise nobody gets to what is in it.

    It costs one look, for folders that are opened often. Raises OSError, NotPrivate.
    """
    if not folder.exists() or folder.stat().st_mode & OTHERS:
        make_private_folder(folder)


def make_private(path: Path) -> bool:
    """Takes a folder or file from other users, and returns whether that was necessary. Raises OSError, NotPrivate."""
    found = path.stat()
    if not found.st_mode & OTHERS:
        return False
    if found.st_uid != os.geteuid() and os.geteuid() != 0:
        raise NotPrivate(
            f"{path} belongs to {_user(found.st_uid)}, and other users can read it. Run"
            f" `chown -R {_user(os.geteuid())} {path}` and `chmod -R go= {path}`, or choose a folder within it"
        )
    path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    if path.stat().st_mode & OTHERS:
        raise NotPrivate(f"{path} can be read by other users, and its file system keeps no modes: choose another one")
    return True


def make_private_file(path: Path) -> None:
    """Takes a database file from other users, with what SQLite keeps beside it. Raises OSError, NotPrivate."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        part = path.with_name(path.name + suffix)
        if part.is_file() and make_private(part):
            logger.warning("%s could be read by other users of this machine: its mode was corrected.", part)


def _walk(entries: Iterator["os.DirEntry[str]"]) -> Iterator["os.DirEntry[str]"]:
    """Yields folders and files below, each before its content; nothing behind links."""
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield entry
            try:
                with os.scandir(entry) as inner:
                    yield from _walk(inner)
            except OSError:  # it was deleted meanwhile, or is another user's own, such as lost+found
                continue
        elif entry.is_file(follow_symlinks=False):
            yield entry


def _correct(entry: "os.DirEntry[str]") -> bool:
    """Returns whether the mode was changed. What is not ours stays: nobody gets to it through the private folder."""
    try:
        return bool(entry.stat(follow_symlinks=False).st_mode & OTHERS) and make_private(Path(entry))
    except (FileNotFoundError, NotPrivate):
        return False


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
