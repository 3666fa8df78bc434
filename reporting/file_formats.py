"""Writes tables as files: CSV, JSON Lines, XLSX and Parquet. A table comes in parts, which have the same columns, so
that a file of any size needs the memory of one part.

Spreadsheets take a text that begins with = for a formula, and a hit may carry any text. A file must not make the
reader's program do anything: CSV puts an apostrophe in front of such texts, and XLSX marks texts as texts.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from tempfile import TemporaryFile
from typing import Any, Final, NamedTuple

import polars as pl
import pyarrow.parquet as pq
import xlsxwriter

Parts = Iterable[pl.DataFrame]

CHUNK_BYTES: Final = 2**16
LONGEST_CELL: Final = 32_767  # characters, of XLSX
MOST_XLSX_ROWS: Final = 1_048_575  # beside the row of names
FORMULA: Final = r"^[=+\-@\t\r\n＝＋－＠]"  # how a text begins that spreadsheets take for a formula


class FileFormat(NamedTuple):
    """`write` takes the table's schema, without which an empty one has no columns, and its parts; it yields bytes."""

    extension: str
    media_type: str
    write: Callable[[pl.Schema, Parts], Iterator[bytes]]


class TooManyRows(ValueError):
    """The format cannot hold the table."""


def write_csv(schema: pl.Schema, parts: Parts) -> Iterator[bytes]:
    """Follows RFC 4180, in UTF-8. Times are in ISO 8601."""
    yield schema.to_frame().write_csv(line_terminator="\r\n").encode()
    texts = pl.col(pl.String)
    safe = pl.when(texts.str.contains(FORMULA)).then("'" + texts).otherwise(texts).name.keep()
    for part in map(_with_iso_times, parts):
        yield part.with_columns(safe).write_csv(include_header=False, line_terminator="\r\n").encode()


def write_json_lines(_schema: pl.Schema, parts: Parts) -> Iterator[bytes]:
    for part in map(_with_iso_times, parts):
        yield part.write_ndjson().encode()


def _with_iso_times(part: pl.DataFrame) -> pl.DataFrame:
    """Writes moments in UTC as texts: 2026-11-29T08:00:00.000Z."""
    return part.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))


def write_parquet(schema: pl.Schema, parts: Parts) -> Iterator[bytes]:
    arrow = schema.to_frame().to_arrow().schema
    written = _Written()
    with pq.ParquetWriter(written, arrow, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part.to_arrow().cast(arrow))
            yield written.take()
    yield written.take()


def write_xlsx(schema: pl.Schema, parts: Parts) -> Iterator[bytes]:
    """Raises TooManyRows. The file is made on the disk, since it cannot be sent before its last row is known."""
    with TemporaryFile() as file:
        options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd", "remove_timezone": True}
        with xlsxwriter.Workbook(file, options) as book:
            _write_sheet(book, schema, parts)
        file.seek(0)
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")


def _write_sheet(book: xlsxwriter.Workbook, schema: pl.Schema, parts: Parts) -> None:
    sheet = book.add_worksheet("Report")
    # A text such as <r>…</r> would be written as it is, as XML of a rich text; reports have none.
    sheet._xml_rich_inline_string = lambda text, attributes=(): sheet._xml_inline_string(text, False, attributes)
    sheet.freeze_panes(1, 0)
    bold, moment = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for column, name in enumerate(schema.names()):
        sheet.write_string(0, column, name, bold)
    writers = [_cell_writer(sheet, dtype, moment) for dtype in schema.dtypes()]
    row = 0
    for part in parts:
        for values in part.iter_rows():
            row += 1
            if row > MOST_XLSX_ROWS:
                raise TooManyRows(f"XLSX holds at most {MOST_XLSX_ROWS:,} rows; choose CSV or Parquet.")
            for column, value in enumerate(values):
                if value is not None:
                    writers[column](row, column, value)


def _cell_writer(sheet: Any, dtype: pl.DataType, moment: Any) -> Callable[[int, int, Any], None]:
    def write(row: int, column: int, value: Any) -> None:
        if dtype.is_numeric():
            sheet.write_number(row, column, value)
        elif dtype == pl.Date:
            sheet.write_datetime(row, column, value)
        elif dtype == pl.Datetime:
            sheet.write_datetime(row, column, value, moment)
        elif dtype == pl.Boolean:
            sheet.write_boolean(row, column, value)
        else:
            sheet.write_string(row, column, value[:LONGEST_CELL])

    return write


class _Written(io.RawIOBase):
    """A file whose bytes are taken away while it grows. Parquet asks where it is, to find its parts later."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        self._chunks.append(chunk)
        self._size += len(chunk)
        return len(chunk)

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


FORMATS: Final[Mapping[str, FileFormat]] = {
    file_format.extension: file_format
    for file_format in (
        FileFormat("csv", "text/csv; charset=utf-8", write_csv),
        FileFormat("jsonl", "application/x-ndjson", write_json_lines),
        FileFormat("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
        FileFormat("parquet", "application/vnd.apache.parquet", write_parquet),
    )
}
