"""A file that was written column by column has the bytes that polars writes for the whole frame."""

import io
import random

import polars as pl
import pytest

from processing.store.parquet_file import column_bytes, encode_parquet, write_parquet
from processing.store.rows import GROUP_ROWS, FrameRows, usual_groups
from processing.store.thrift import Reader


def frame(rows: int) -> pl.DataFrame:
    """Every type that a segment has, with and without nulls."""
    rnd = random.Random(rows)
    columns = {
        "visitor": [rnd.getrandbits(64) for _ in range(rows)],
        "path": [rnd.choice([None, f"/p/{rnd.randrange(5_000)}"]) for _ in range(rows)],
        "content": [f"name={rnd.random()}" for _ in range(rows)],
        "stable": [rnd.random() < 0.5 for _ in range(rows)],
        "day": [number // 1_000 for number in range(rows)],
        "once": [None] * rows,
    }
    kinds = {
        "visitor": pl.UInt64(), "path": pl.String(), "content": pl.String(), "stable": pl.Boolean(), "day": pl.Int32(),
        "once": pl.UInt64(),
    }  # fmt: skip
    return pl.DataFrame(columns, schema=kinds).with_columns(pl.col("path").cast(pl.Categorical).alias("page"))


@pytest.mark.parametrize("rows", [0, 1, 700, 70_000, 200_000])
def test_it_works(rows: int) -> None:
    whole, target = frame(rows), io.BytesIO()
    written = write_parquet(target, FrameRows(whole))
    assert target.getvalue() == encode_parquet(whole)
    assert written.length == len(target.getvalue())
    assert pl.read_parquet(io.BytesIO(target.getvalue())).equals(whole)


@pytest.mark.parametrize("rows", [1, 122_879, 163_840, 163_841, 294_913, 294_914, 421_304, 421_305, 917_510, 917_511])
def test_rows_are_grouped_as_polars_groups_them(rows: int) -> None:
    parts = usual_groups(rows)
    assert sum(parts) == rows
    plain, narrow = pl.DataFrame({"n": pl.repeat(7, rows, eager=True)}), io.BytesIO()
    write_parquet(narrow, FrameRows(plain))
    assert narrow.getvalue() == encode_parquet(plain)
    assert max(parts) < 1.4 * GROUP_ROWS


def test_the_size_of_each_column_is_known_from_the_end_of_the_file() -> None:
    data = encode_parquet(pl.DataFrame({"long": ["x" * 90 + str(n) for n in range(5_000)], "n": [1] * 5_000}))
    sizes = column_bytes(data[-5_000:])
    assert sizes is not None
    assert 460_000 < sizes["long"] < 500_000
    assert sizes["n"] < 1_000
    assert column_bytes(data[-20:]) is None


def test_a_footer_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="Thrift type 13"):
        Reader(bytes([0x1D, 0])).struct()
