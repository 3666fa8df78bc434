"""Tables as files: what is read back is what was written, in parts of any size, and no text becomes a formula."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting import file_formats
from reporting.file_formats import FORMATS, TooManyRows

SCHEMA = pl.Schema({"page": pl.String(), "views": pl.Int64(), "rate": pl.Float64(), "day": pl.Date()})
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Row = tuple[Any, ...]
RICH = '<r><t>x</t></r></is></c><c r="B2" t="str"><f>HYPERLINK("http://evil/","x")</f><v>x</v></c><c><is><r></r>'
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    'a"b',
    "a,b",
    "a\r\nb",
    "",
    " ",
    "é😀",
    "0012",
    "\x00\x1b",
    "\ufeffx",
]
ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(HOSTILE) | st.text(max_size=9),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(-1e15, 1e15),
        st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    ),
    max_size=12,
)


def cells_of(content: bytes) -> dict[str, ElementTree.Element]:
    """Returns the cells of a sheet that was written here, by their names, such as A1."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own file
    assert sheet.find(f".//{SHEET}f") is None  # no formula
    return {cell.attrib["r"]: cell for cell in sheet.iter(f"{SHEET}c")}


def written(name: str, rows: list[Row], size: int = 5) -> bytes:
    parts: Iterator[pl.DataFrame] = (
        pl.DataFrame(rows[start : start + size], schema=SCHEMA, orient="row") for start in range(0, len(rows), size)
    )
    return b"".join(FORMATS[name].write(SCHEMA, parts))


@given(ROWS)
def test_it_works(rows: list[Row]) -> None:
    assert pl.read_parquet(io.BytesIO(written("parquet", rows))).rows() == rows
    lines = [json.loads(line) for line in written("jsonl", rows).decode().split("\n") if line]
    assert [(*line.values(),) for line in lines] == [(*row[:3], str(row[3])) for row in rows]
    names, *values = csv.reader(io.StringIO(written("csv", rows).decode(), newline=""))
    assert names == SCHEMA.names()
    for row, (page, views, rate, day) in zip(rows, values, strict=True):
        assert (int(views), float(rate), day) == (row[1], row[2], str(row[3]))
        assert page == f"'{row[0]}" if re.match(r"[=+\-@\t\r\n＝＋－＠]", row[0] or "") else page == (row[0] or "")


@settings(max_examples=20, deadline=None)
@given(ROWS)
def test_a_sheet_has_texts_and_numbers_and_no_formula(rows: list[Row]) -> None:
    cells = cells_of(written("xlsx", rows))
    assert ["".join(cells[f"{column}1"].itertext()) for column in "ABCD"] == SCHEMA.names()
    for number, row in enumerate(rows, 2):
        if row[0]:
            assert cells[f"A{number}"].attrib["t"] == "inlineStr"
        assert float("".join(cells[f"B{number}"].itertext())) == pytest.approx(row[1], rel=1e-15)
        assert float("".join(cells[f"C{number}"].itertext())) == pytest.approx(row[2], rel=1e-15)
        assert "".join(cells[f"D{number}"].itertext()) == str((row[3] - date(1899, 12, 30)).days)


def test_texts_of_a_sheet_are_as_they_were() -> None:
    rows = [(text, 1, 1.0, date(2026, 1, 1)) for text in HOSTILE if text and text.isprintable()]
    cells = cells_of(written("xlsx", rows))
    assert ["".join(cells[f"A{number}"].itertext()) for number in range(2, len(rows) + 2)] == [row[0] for row in rows]


def test_moments() -> None:
    moment = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)
    part = pl.DataFrame({"time": [moment]}, schema={"time": pl.Datetime("ms", "UTC")})
    text = "2026-11-29T08:30:00.000Z"
    contents = {name: b"".join(each.write(part.schema, [part])) for name, each in FORMATS.items()}
    assert contents["csv"].decode() == f"time\r\n{text}\r\n"
    assert json.loads(contents["jsonl"]) == {"time": text}
    assert pl.read_parquet(io.BytesIO(contents["parquet"])).equals(part)
    assert float("".join(cells_of(contents["xlsx"])["A2"].itertext())) == pytest.approx(46355 + 8.5 / 24)


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_table_is_a_file(name: str) -> None:
    content = written(name, [])
    assert content if name != "jsonl" else content == b""


def test_too_many_rows_for_a_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_formats, "MOST_XLSX_ROWS", 3)
    with pytest.raises(TooManyRows, match="choose CSV or Parquet"):
        written("xlsx", [("/", 1, 1.0, date(2026, 1, 1))] * 4)
