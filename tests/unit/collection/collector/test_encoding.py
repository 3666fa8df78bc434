import gzip

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collection.collector.encoding import chosen_encoding, compressed, compressed_pieces

DECODE = {"br": brotli.decompress, "gzip": gzip.decompress}


def test_it_works() -> None:
    assert chosen_encoding("gzip, deflate, br") == "br"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0.1, gzip", "gzip"),
        ("br, gzip;q=0.5", "br"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("gzip;q=0", ""),
        ("gzip; q=0.0, br ; q=0.000", ""),
        ("gzip;q=nonsense", ""),
        ("deflate, zstd", ""),
        ("brotli, x-gzip", ""),
    ],
)
def test_what_a_client_takes(accepted: str, coding: str) -> None:
    assert chosen_encoding(accepted) == coding


@given(st.text())
def test_hostile_headers(accepted: str) -> None:
    assert chosen_encoding(accepted) in ("", "br", "gzip")


@given(st.lists(st.binary()), st.sampled_from(["br", "gzip"]))
def test_pieces_are_one_stream(pieces: list[bytes], coding: str) -> None:
    whole = b"".join(pieces)
    assert DECODE[coding](b"".join(compressed_pieces(pieces, coding))) == whole
    assert DECODE[coding](compressed(whole, coding)) == whole
