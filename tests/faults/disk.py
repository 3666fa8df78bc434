"""A disk that a process may lose at any write: what a power cut at that moment would leave of a folder.

Built on the layer under SQLite (tests/unsynced.py), with the names of files besides: a file is there after the cut if
its folder was synced since it got its name, with the content of its own last sync.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.support.unsynced import SYNC, TRUNCATE, WRITE, Layer, Sync, Truncate, Write

NAMING: Final = ("replace", "rename", "link", "unlink")
METHODS: Final = ((WRITE, Write, "write"), (TRUNCATE, Truncate, "truncate"), (SYNC, Sync, "sync"))
SHARED_MEMORY: Final = "-shm"
WRITE_AHEAD: Final = "-wal"


class Disk(Layer):
    """Installed for the rest of the process. `before` is called ahead of each write, sync and change of a name."""

    def __init__(self, folder: Path, before: Callable[[str], None]) -> None:
        self._folder, self._before = folder, before
        self._names = {path: _names(path) for path in [folder, *folder.rglob("*")] if path.is_dir()}
        self._content = {path.stat().st_ino: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self._open_for_ever: list[int] = []
        super().__init__()
        self._watch_names()

    def stop(self) -> None:
        """No other thread changes anything from now on: they wait for ever."""
        self._lock.acquire()

    def cut(self, folder: Path, copy: Path, *, names_kept: bool = False) -> None:
        """Copy what is durable. `names_kept`: the disk wrote down all changes of names, but no content ahead of it."""
        with self._lock:
            for path, durable in self._names.items():
                names = (_names(path) if path.exists() else {}) if names_kept else durable
                (copy / path.relative_to(folder)).mkdir(parents=True, exist_ok=True)
                for name, inode in names.items():
                    self._copy(path / name, inode, copy / path.relative_to(folder) / name)
            self._copy_write_ahead(folder, copy)

    def _copy(self, path: Path, inode: int, copy: Path) -> None:
        if path.name.endswith(SHARED_MEMORY):
            return
        opened = str(path) in self._written or (path.name.endswith(WRITE_AHEAD) and not path.exists())
        content = self._durable.get(str(path)) if opened else self._content.get(inode, b"")
        if content is not None:
            copy.write_bytes(content)

    def _copy_write_ahead(self, folder: Path, copy: Path) -> None:
        """SQLite syncs the folder itself when it makes one."""
        for path, content in self._durable.items():
            target = copy / Path(path).relative_to(folder) if Path(path).is_relative_to(folder) else None
            if target and path.endswith(WRITE_AHEAD) and Path(str(target).removesuffix(WRITE_AHEAD)).exists():
                target.write_bytes(content)

    def _table(self, original: int) -> Any:
        table = super()._table(original)
        for place, kind, name in METHODS:
            table[place] = self._keep(kind(self._announced(name, kind(table[place] or 0))))
        return table

    def _announced(self, name: str, real: Callable[..., Any]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            self._before(f"SQLite {name}")
            return int(real(*arguments))

        return call

    def _watch_names(self) -> None:
        for name in NAMING:
            setattr(os, name, self._naming(name, getattr(os, name)))
        vars(os).update(fsync=self._syncing(os.fsync))

    def _naming(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, *others: Any, **options: Any) -> Any:
            self._before(name)
            with self._lock:
                for path in (Path(source), *map(Path, others)):
                    self._hold(path)
                return real(source, *others, **options)

        return call

    def _hold(self, path: Path) -> None:
        """An inode that is held is not given to another file, so that its content can be found by its number."""
        if path.is_file() and self._folder in path.parents:
            self._open_for_ever.append(os.open(path, os.O_RDONLY))
            if str(path) in self._durable:
                self._content[path.stat().st_ino] = self._durable[str(path)]

    def _syncing(self, real: Callable[[Any], None]) -> Callable[[Any], None]:
        def call(descriptor: Any) -> None:
            self._before("fsync")
            with self._lock:
                real(descriptor)
                path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
                if path.is_dir() and (path == self._folder or self._folder in path.parents):
                    self._names[path] = _names(path)
                    self._names.setdefault(path.parent, _names(path.parent))
                elif path.is_file():
                    self._content[path.stat().st_ino] = path.read_bytes()

        return call


def _names(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir() if path.is_file()}
