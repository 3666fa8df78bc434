"""What a power cut would leave: a layer under SQLite that knows which writes were synced.

It sits between SQLite and its file system layer, in this process only. `Layer.cut` copies a folder as it would be found
if every write that no sync of its file followed had been lost. It says nothing about names of files (links, renames),
and it takes the file system's word for a sync.
"""

import ctypes
import shutil
import threading
from ctypes import POINTER, c_char_p, c_int, c_int64, c_void_p
from ctypes.util import find_library
from pathlib import Path
from typing import Any, Final

IO_METHOD_WORDS: Final = 19
WRITE, TRUNCATE, SYNC = 3, 4, 5
X_OPEN, X_DELETE = 5, 6

Write = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64)
Sync = ctypes.CFUNCTYPE(c_int, c_void_p, c_int)
# The name as an address: SQLite keeps it, and reads more behind its end.
Open = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
Delete = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)


class Layer:
    """Installed for the rest of the process. Knows every file that SQLite opened since, by its absolute path."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._written: dict[str, bytearray] = {}
        self._durable: dict[str, bytes] = {}
        self._paths: dict[int, str] = {}
        self._patched: dict[int, Any] = {}
        self._kept: list[Any] = []
        self._install()

    def cut(self, folder: Path, copy: Path) -> None:
        """Copy the folder, each of SQLite's files with the content of its last sync."""
        copy.mkdir(parents=True)
        with self._lock:  # throughout: a file that is deleted meanwhile would be missing beside one that is older
            for path in folder.iterdir():
                if str(path) in self._durable:
                    (copy / path.name).write_bytes(self._durable[str(path)])
                elif str(path) not in self._written and not path.name.endswith("-shm"):
                    shutil.copy(path, copy / path.name)

    def _install(self) -> None:
        library = ctypes.CDLL(find_library("sqlite3") or "libsqlite3.so.0")
        library.sqlite3_vfs_find.restype = c_void_p
        vfs = (c_void_p * 24).from_address(library.sqlite3_vfs_find(None))
        self._real_open = Open(vfs[X_OPEN] or 0)
        self._real_delete = Delete(vfs[X_DELETE] or 0)
        vfs[X_OPEN] = self._keep(Open(self._open))
        vfs[X_DELETE] = self._keep(Delete(self._delete))

    def _keep(self, function: Any) -> int | None:
        self._kept.append(function)
        return ctypes.cast(function, c_void_p).value

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        with self._lock:
            path = ctypes.string_at(name).decode() if name else f"unnamed {file}"
            if path not in self._written:
                content = Path(path).read_bytes() if Path(path).exists() else b""
                self._written[path] = bytearray(content)
                if content:
                    self._durable[path] = content
            status = int(self._real_open(vfs, name, file, flags, out))
            if status == 0:
                self._paths[file] = path
                self._patch(file)
            return status

    def _delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        with self._lock:
            self._written.pop(name.decode(), None)
            self._durable.pop(name.decode(), None)
            return int(self._real_delete(vfs, name, sync_folder))

    def _patch(self, file: int) -> None:
        """Give the open file a table of methods that tells this layer of every write."""
        methods = c_void_p.from_address(file)
        original = methods.value or 0
        if original not in self._patched:
            self._patched[original] = self._table(original)
        methods.value = ctypes.addressof(self._patched[original])

    def _table(self, original: int) -> Any:
        real = (c_void_p * IO_METHOD_WORDS).from_address(original)
        table = (c_void_p * IO_METHOD_WORDS)(*real)
        write, truncate, sync = Write(real[WRITE] or 0), Truncate(real[TRUNCATE] or 0), Sync(real[SYNC] or 0)

        def on_write(file: int, data: int, length: int, offset: int) -> int:
            with self._lock:
                content = self._written[self._paths[file]]
                content.extend(bytes(max(0, offset + length - len(content))))
                content[offset : offset + length] = ctypes.string_at(data, length)
            return int(write(file, data, length, offset))

        def on_truncate(file: int, size: int) -> int:
            with self._lock:
                del self._written[self._paths[file]][size:]
            return int(truncate(file, size))

        def on_sync(file: int, flags: int) -> int:
            status = int(sync(file, flags))
            with self._lock:
                if status == 0:
                    self._durable[self._paths[file]] = bytes(self._written[self._paths[file]])
            return status

        table[WRITE] = self._keep(Write(on_write))
        table[TRUNCATE] = self._keep(Truncate(on_truncate))
        table[SYNC] = self._keep(Sync(on_sync))
        return table
