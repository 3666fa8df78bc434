"""Content encodings: which one an answer gets, and the compressors."""

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import brotli

BROTLI: Final = "br"
GZIP: Final = "gzip"
MIN_BYTES: Final = 1000  # a shorter answer fits into one packet as it is
GZIP_FRAME: Final = 16 + zlib.MAX_WBITS


class Effort(NamedTuple):
    brotli: int
    gzip: int


FOR_ONE: Final = Effort(3, 6)  # brotli is then as small as gzip's best, in a third of the time
FOR_MANY: Final = Effort(5, 9)  # 5 MB in a second
FOR_ALL: Final = Effort(11, 9)

_weight = re.compile(r"q=([01](?:\.\d{0,3})?)").fullmatch


def chosen_encoding(accept_encoding: str) -> str:
    """Returns "br", "gzip" or "", which the Accept-Encoding header weighs most; brotli if both weigh the same.

    `gzip, br` -> br; `br;q=0.1, gzip` -> gzip; `*` stands for all that are not named.
    """
    weights: dict[str, float] = {}
    for entry in accept_encoding.lower().replace(" ", "").split(","):
        coding, separator, parameter = entry.partition(";")
        weight = _weight(parameter)
        weights[coding] = float(weight[1]) if weight else float(not separator)
    offers = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in (GZIP, BROTLI)]
    most, coding = max(offers, key=lambda offer: offer[0] + 0.0001 * (offer[1] == BROTLI))
    return coding if most > 0 else ""


def compressed(content: bytes, coding: str, effort: Effort = FOR_ONE) -> bytes:
    """Returns the same bytes in every process."""
    if coding == BROTLI:
        return bytes(brotli.compress(content, quality=effort.brotli))
    return gzip.compress(content, effort.gzip, mtime=0)


def compressed_pieces(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    if coding == BROTLI:
        compressor = brotli.Compressor(quality=FOR_ONE.brotli)
        yield from (compressor.process(piece) for piece in pieces)
        yield compressor.finish()
    else:
        deflate = zlib.compressobj(FOR_ONE.gzip, wbits=GZIP_FRAME)
        yield from (deflate.compress(piece) for piece in pieces)
        yield deflate.flush()
