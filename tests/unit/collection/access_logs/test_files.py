"""Lines out of files, whatever the files are like."""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.access_logs.files import MAX_LINE_BYTES, LineFile, UnreadableFile, split_lines

Pack = Callable[[bytes], bytes]


def lines_of(path: Path) -> list[bytes]:
    file = LineFile(str(path))
    try:
        return [line for batch in file.batches() for line in batch]
    finally:
        file.close()


def test_it_works(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"one\ntwo\r\n\nfour")
    assert lines_of(tmp_path / "a.log") == [b"one", b"two", b"", b"four"]


def test_gzip_is_recognised_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert lines_of(tmp_path / "a.log") == [b"one", b"two"]


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["nothing", "gzip of nothing"])
def test_an_empty_file_has_no_lines(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    assert lines_of(tmp_path / "a.gz") == []


def test_any_bytes_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"\xef\xbb\xbf\x00\xff\r\r\n\xe2\x28\n")
    assert lines_of(tmp_path / "a.log") == [b"\x00\xff\r", b"\xe2\x28"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (bz2.compress(b"x"), "bzip2"),
        (lzma.compress(b"x"), "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        ("x".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04", "zip archive"),
        (b"\x04\x22\x4d\x18", "lz4"),
        (b"\x1f\x9d\x90", "with compress"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"Rar!\x1a\x07", "rar archive"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "in gzip"])
def test_unsupported_formats_are_reported(content: bytes, cause: str, pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(pack(content))
    with pytest.raises(UnreadableFile, match=cause):
        LineFile(str(tmp_path / "a.log"))


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize(("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.log", "w:gz")])
def test_an_archive_is_refused_with_advice(name: str, mode: Any, format: int, tmp_path: Path) -> None:
    """Its first line would be lost, and the names of its files would be lines."""
    (tmp_path / "own.log").write_bytes(b"one\n")
    with tarfile.open(tmp_path / name, mode, format=format) as archive:
        archive.add(tmp_path / "own.log", "own.log")
    with pytest.raises(UnreadableFile, match=r"is a tar archive; unpack it"):
        LineFile(str(tmp_path / name))


def test_what_is_compressed_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.log.gz.gz").write_bytes(gzip.compress(gzip.compress(b"one\n")))
    with pytest.raises(UnreadableFile, match="compressed twice"):
        LineFile(str(tmp_path / "a.log.gz.gz"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "in gzip"])
@pytest.mark.parametrize("count", [0, 1, 2, 50_000, 10**6])
def test_the_first_lines_are_read_again(count: int, pack: Pack, tmp_path: Path) -> None:
    lines = [b"%d" % number * 3 for number in range(200_000)]
    (tmp_path / "a.log").write_bytes(pack(b"\n".join(lines)))
    file = LineFile(str(tmp_path / "a.log"))
    assert file.first_lines(count) == lines[:count] == file.first_lines(count)
    assert [line for batch in file.batches() for line in batch] == lines
    file.close()


def test_a_damage_among_the_first_lines_is_reported_when_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"".join(b"%d\n" % n for n in range(20_000)))[:-9_000])
    file, lines = LineFile(str(tmp_path / "a.gz")), list[bytes]()
    assert file.first_lines(10**6)[:2] == [b"0", b"1"]
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        lines.extend(line for batch in file.batches() for line in batch)
    file.close()
    assert lines[:2] == [b"0", b"1"]


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"plain")
    with pytest.raises(UnreadableFile, match="not one"):
        LineFile(str(tmp_path / "a.gz"))
    with pytest.raises(UnreadableFile, match="is a folder"):
        LineFile(str(tmp_path))
    with pytest.raises(UnreadableFile, match="does not exist"):
        LineFile(str(tmp_path / "none"))


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_lines_before_a_damage_are_read(damage: str, tmp_path: Path) -> None:
    content = bytearray(gzip.compress(b"".join(b"%d\n" % number for number in range(200_000))))
    if damage == "cut":
        del content[-20_000:]
    else:
        content[-20_000] ^= 1
    (tmp_path / "a.gz").write_bytes(content)
    file, lines = LineFile(str(tmp_path / "a.gz")), list[bytes]()
    with pytest.raises(UnreadableFile, match="damaged or cut off"):
        lines.extend(line for batch in file.batches() for line in batch)
    file.close()
    assert len(lines) > 100_000
    assert lines[:100_000] == [b"%d" % number for number in range(100_000)]


@given(st.binary(max_size=50), st.lists(st.integers(0, 50)))
def test_it_does_not_matter_where_chunks_end(content: bytes, cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(content)]
    chunks = [content[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]
    expected = [line.removesuffix(b"\r") for line in content.split(b"\n")]
    if not content or content.endswith(b"\n"):
        expected.pop()
    assert [line for lines in split_lines(chunks) for line in lines] == expected


@pytest.mark.parametrize("extra", range(-2, 4))
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("chunk", [1000, MAX_LINE_BYTES, MAX_LINE_BYTES + 1, MAX_LINE_BYTES + 2, 10**6])
def test_too_long_a_line_is_cut_at_the_same_places(extra: int, end: bytes, chunk: int) -> None:
    content = b"a" * (2 * MAX_LINE_BYTES + extra)
    data = b"x\n" + content + end + (b"y" if end else b"")
    chunks = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    pieces = [content[at : at + MAX_LINE_BYTES] for at in range(0, len(content), MAX_LINE_BYTES)]
    expected = [b"x", *pieces, *([b"y"] if end else [])]
    assert [line for lines in split_lines(chunks) for line in lines] == expected


@pytest.mark.parametrize("length", [MAX_LINE_BYTES, 2 * MAX_LINE_BYTES])
def test_a_line_of_the_maximum_length_stays_whole_if_its_end_is_split(length: int) -> None:
    content = b"a" * length
    pieces = [content[at : at + MAX_LINE_BYTES] for at in range(0, length, MAX_LINE_BYTES)]
    assert [line for lines in split_lines([content + b"\r", b"\nb"]) for line in lines] == [*pieces, b"b"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(b"one\ntwo")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(packed))))
    file = LineFile("-")
    assert (file.name, file.size, file.read_bytes()) == ("standard input", None, 0)
    assert list(file.batches()) == [[b"one"], [b"two"]]


def test_it_reports_the_share_that_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 99 + b"\n")
    file = LineFile(str(tmp_path / "a.log"))
    assert file.size == 100
    assert list(file.batches())
    assert file.read_bytes() == 100
    file.close()
