"""A hit is read as it was written, and whatever else is in the log is no hit."""

import msgspec
import pytest

from collection.hit import FORMAT, RawHit, UnreadableHit, decode, encode

HIT = RawHit(FORMAT, "h1", 1_795_176_000_000_000, "ga4", "192.0.2.7", "Firefox", {"referer": "x"}, b"v=2", b"en=a")


def test_it_works() -> None:
    assert decode(encode(HIT)) == HIT


@pytest.mark.parametrize(
    "data",
    [b"", b"no hit", encode(HIT)[:-1], b"\x9f_\xa2G\xbc", b"\x9f" + encode(HIT)[1:] + b"\x91" * 100_000],
    ids=["nothing", "text", "cut off", "not UTF-8", "too deep"],
)
def test_what_is_no_hit(data: bytes) -> None:
    with pytest.raises(UnreadableHit):
        decode(data)


def test_another_format() -> None:
    with pytest.raises(UnreadableHit, match=f"hit format {FORMAT + 1}"):
        decode(encode(msgspec.structs.replace(HIT, format=FORMAT + 1)))
