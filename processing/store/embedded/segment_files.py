"""Segments as files: NAME.segment holds the sections and, at its end, a list of them; a large section is a Parquet
file beside it, so that reading some of its columns touches nothing else.

A file gets a temporary name, is synced, renamed, and its folder synced, NAME.segment last: a segment is there when
that is.
"""

import io
import mmap
import os
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final, NamedTuple
from uuid import uuid4

import msgspec
import polars as pl

from processing.store.names import check_names
from processing.store.parquet_file import WrittenFile, column_bytes, encode_parquet, write_parquet
from processing.store.port import Conflict, CorruptBlob, Missing, SegmentInfo
from processing.store.rows import ColumnRows, FrameRows, as_frame, is_large

FORMAT: Final = 1
SMALL_ROWS: Final = 512

_MAGIC: Final = b"HSS"
_TRAILER: Final = struct.Struct("<II3sB")  # length and crc of the list, magic, format
_MAIN: Final = ".segment"
_LARGE: Final = ".parquet"
_TEMPORARY: Final = ".new-"
_ABANDONED_S: Final = 3600
_TAIL_BYTES: Final = 65_536  # the end of a file, in which its footer is
_KNOWN: Final = 4096  # segments whose list of sections is kept

_IPC: Final = 0  # Arrow stream, deflated
_PARQUET: Final = 1
_FILE: Final = 2  # Parquet in a file of its own


class Section(msgspec.Struct, frozen=True, array_like=True):
    name: str
    kind: int
    offset: int
    length: int
    rows: int
    crc: int


_Signature = tuple[int, int, int]


class _Known(NamedTuple):
    """A segment that was opened; `verified` has the signature of the file that each section was verified in."""

    signature: _Signature
    sections: dict[str, Section]
    verified: dict[str, _Signature]


_decoder: Final = msgspec.msgpack.Decoder(list[Section])


class SegmentFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Known] = {}
        self._lock = Lock()
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
        self._delete_abandoned()

    def put(self, name: str, sections: Mapping[str, pl.DataFrame | ColumnRows]) -> SegmentInfo:
        check_names(name, sections)
        body, listed, files = bytearray(), list[Section](), dict[str, Path]()
        try:
            for section, content in sections.items():
                rows = FrameRows(content) if isinstance(content, pl.DataFrame) else content
                if is_large(rows):
                    files[section], written = self._write_large(rows)
                    listed.append(Section(section, _FILE, 0, written.length, sum(rows.groups), written.crc))
                else:
                    frame = content if isinstance(content, pl.DataFrame) else as_frame(rows)
                    kind, data = _encode(frame)
                    listed.append(Section(section, kind, len(body), len(data), frame.height, zlib.crc32(data)))
                    body += data
            packed = msgspec.msgpack.encode(listed)
            info = SegmentInfo(name, _size(packed, listed), blake2b(packed, digest_size=16).hexdigest())
            if not self._same(info):
                self._write(name, files, bytes(body) + packed + _trailer(packed))
            return info
        finally:
            for path in files.values():
                path.unlink(missing_ok=True)

    def _write_large(self, rows: ColumnRows) -> tuple[Path, WrittenFile]:
        """Writes the file of a large section, column by column, under a temporary name."""
        path = self._folder / f"{_TEMPORARY}{uuid4().hex}"
        try:
            with path.open("xb") as file:
                written = write_parquet(file, rows, self._folder)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path, written

    def read(
        self, name: str, section: str, columns: Sequence[str] | None, rows: tuple[int, int] | None = None
    ) -> pl.DataFrame:
        check_names(name)
        try:
            return self._read(name, section, None if columns is None else list(columns), rows)
        except pl.exceptions.ColumnNotFoundError as error:
            raise Missing(f"column of section {section} of segment {name}: {error}") from error
        except FileNotFoundError as error:
            raise Missing(f"segment {name}") from error

    def sections(self, name: str) -> list[str]:
        check_names(name)
        try:
            return sorted(self._open(name).sections)
        except FileNotFoundError as error:
            raise Missing(f"segment {name}") from error

    def column_bytes(self, name: str, section: str) -> dict[str, int]:
        try:
            found = self._open(name).sections.get(section)
            if not found:
                raise Missing(f"section {section} of segment {name}")
            return {} if found.kind == _IPC else self._column_bytes(name, found)
        except FileNotFoundError as error:
            raise Missing(f"segment {name}") from error

    def _column_bytes(self, name: str, section: Section) -> dict[str, int]:
        with self._path(name, section).open("rb") as file:
            sizes, tail = None, _TAIL_BYTES
            while sizes is None:
                low = max(0, section.length - tail)
                data = os.pread(file.fileno(), section.length - low, section.offset + low)
                sizes, tail = column_bytes(data), tail * 8
                if sizes is None and not low:
                    raise CorruptBlob(f"section {section.name} of segment {name}")
        return sizes

    def delete(self, name: str) -> None:
        check_names(name)
        self._main(name).unlink(missing_ok=True)
        sync_folder(self._folder)
        for path in self._folder.glob(f"{name}.*{_LARGE}"):
            if _owner(path) == name:
                path.unlink(missing_ok=True)
        with self._lock:
            self._known.pop(name, None)

    def names(self) -> list[str]:
        return sorted(path.name.removesuffix(_MAIN) for path in self._folder.glob(f"*{_MAIN}"))

    def size(self) -> int:
        return sum(entry.stat().st_size for entry in os.scandir(self._folder))

    def verify(self) -> Iterator[str]:
        for name in self.names():
            try:
                for section in self._load(name).values():
                    yield from self._problem(name, section)
            except CorruptBlob as error:
                yield str(error)
            except FileNotFoundError:
                continue  # deleted meanwhile

    def _problem(self, name: str, section: Section) -> Iterator[str]:
        try:
            self._verify(name, section)
        except CorruptBlob as error:
            yield str(error)
        except FileNotFoundError:
            if self._main(name).exists():
                yield f"section {section.name} of segment {name} is missing"

    def _read(self, name: str, section: str, columns: list[str] | None, rows: tuple[int, int] | None) -> pl.DataFrame:
        known = self._open(name)
        found = known.sections.get(section)
        if not found:
            raise Missing(f"section {section} of segment {name}")
        signature = _signature(self._path(name, found))
        if known.verified.get(section) != signature:
            self._verify(name, found)
            known.verified[section] = signature
        frame = self._decode(name, found, columns, rows)
        return frame if columns is None else frame.select(columns)

    def _main(self, name: str) -> Path:
        return self._folder / (name + _MAIN)

    def _path(self, name: str, section: Section) -> Path:
        return self._folder / f"{name}.{section.name}{_LARGE}" if section.kind == _FILE else self._main(name)

    def _same(self, info: SegmentInfo) -> bool:
        try:
            packed = msgspec.msgpack.encode(list(self._load(info.name).values()))
        except FileNotFoundError:
            return False
        if blake2b(packed, digest_size=16).hexdigest() != info.checksum:
            raise Conflict(f"segment {info.name} has other content")
        return True

    def _write(self, name: str, files: Mapping[str, Path], main: bytes) -> None:
        try:
            self._write_files(name, files, main)
        except OSError:
            self._take_back(name, files)
            raise

    def _take_back(self, name: str, files: Iterable[str]) -> None:
        """A full disk must not fill up with sections of segments that never came to be."""
        for section in files if not self._main(name).exists() else ():
            (self._folder / f"{name}.{section}{_LARGE}").unlink(missing_ok=True)

    def _write_files(self, name: str, files: Mapping[str, Path], main: bytes) -> None:
        for section, path in files.items():
            path.replace(self._folder / f"{name}.{section}{_LARGE}")
        if files:
            sync_folder(self._folder)
        write_durably(self._main(name), main)
        sync_folder(self._folder)

    def _open(self, name: str) -> _Known:
        signature = _signature(self._main(name))
        with self._lock:
            known = self._known.get(name)
        if known and known.signature == signature:
            return known
        known = _Known(signature, self._load(name), {})
        with self._lock:
            if len(self._known) >= _KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[name] = known
        return known

    def _load(self, name: str) -> dict[str, Section]:
        """Returns the sections of a segment, from the end of its file."""
        with self._main(name).open("rb") as file:
            end = os.fstat(file.fileno()).st_size - _TRAILER.size
            if end < 0:
                raise CorruptBlob(f"segment {name} is cut off")
            length, crc, magic, format = _TRAILER.unpack(os.pread(file.fileno(), _TRAILER.size, end))
            packed = os.pread(file.fileno(), min(length, end), max(0, end - length))
        if magic != _MAGIC or format != FORMAT or zlib.crc32(packed) != crc:
            raise CorruptBlob(f"list of sections of segment {name}")
        return {section.name: section for section in _decoder.decode(packed)}

    def _verify(self, name: str, section: Section) -> None:
        with self._path(name, section).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            whole = section.kind != _FILE or size == section.length
            if not whole or size < section.offset + section.length or _crc(file, section) != section.crc:
                raise CorruptBlob(f"section {section.name} of segment {name}")

    def _decode(
        self, name: str, section: Section, columns: list[str] | None, rows: tuple[int, int] | None
    ) -> pl.DataFrame:
        path = self._path(name, section)
        if section.kind == _FILE:
            return _read_parquet(path, columns, rows)
        with path.open("rb") as file:
            data = os.pread(file.fileno(), section.length, section.offset)
        if section.kind == _PARQUET:
            return _read_parquet(io.BytesIO(data), columns, rows)
        frame = pl.read_ipc_stream(io.BytesIO(zlib.decompress(data)))
        return frame.slice(*rows) if rows else frame

    def _delete_abandoned(self) -> None:
        """Removes what a crash left half done, an hour later: another process may be at it now."""
        before = time.time() - _ABANDONED_S  # noqa: TID251 - the file system's clock
        for path in [*self._folder.glob(f"{_TEMPORARY}*"), *self._folder.glob(f"*{_LARGE}")]:
            if path.stat().st_mtime < before and not self._main(_owner(path)).exists():
                path.unlink(missing_ok=True)


def _read_parquet(source: Path | io.BytesIO, columns: list[str] | None, rows: tuple[int, int] | None) -> pl.DataFrame:
    if rows is None:
        return pl.read_parquet(source, columns=columns, glob=False, hive_partitioning=False)
    found = pl.scan_parquet(source, glob=False, hive_partitioning=False).slice(*rows)
    return (found if columns is None else found.select(columns)).collect()


def write_durably(path: Path, data: bytes) -> None:
    """The file is whole under its name, or is not there; `sync_folder` makes the name durable."""
    temporary = path.with_name(f"{_TEMPORARY}{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(frame: pl.DataFrame) -> tuple[int, bytes]:
    """Parquet of a few rows is mostly its own description: 18 kB for one RAW row."""
    if frame.height < SMALL_ROWS:
        target = io.BytesIO()
        frame.rechunk().write_ipc_stream(target, compat_level=pl.CompatLevel.oldest())
        return _IPC, zlib.compress(target.getvalue())
    return _PARQUET, encode_parquet(frame)


def _trailer(packed: bytes) -> bytes:
    return _TRAILER.pack(len(packed), zlib.crc32(packed), _MAGIC, FORMAT)


def _size(packed: bytes, listed: Sequence[Section]) -> int:
    return sum(section.length for section in listed) + len(packed) + _TRAILER.size


def _crc(file: BinaryIO, section: Section) -> int:
    if not section.length:
        return 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as whole:
        return zlib.crc32(whole[section.offset : section.offset + section.length])


def _signature(path: Path) -> _Signature:
    """Changes when somebody overwrites the file: it is verified anew then."""
    found = path.stat()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _owner(path: Path) -> str:
    """Returns the segment that a large section belongs to."""
    return path.name.removesuffix(_LARGE).rpartition(".")[0]
