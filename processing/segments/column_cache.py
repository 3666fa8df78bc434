"""Columns of stored segments, decoded once and kept while there is room.

Segments never change, so neither does a column.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

import polars as pl

from processing.schema import ADDED_COLUMNS, CONTENT
from processing.store.port import Missing, Store

DEFAULT_BYTES: Final = 160 * 2**20
WORK_BYTES: Final = 32 * 2**20  # for processes that read and write all the time
ONCE_BYTES: Final = 32 * 2**20  # for work that reads most columns once

PIECE_BYTES: Final = 32 * 2**20  # of a section from which some rows are taken
FIXED_BYTES: Final = 6  # of a value without text, about
FEW_COLUMNS: Final = 8  # are read whole, and kept

_Key = tuple[str, str, str]


class ColumnCache:
    """A cache of decoded columns, least recently used out first.

    Text comes as Categorical, or as String without `codes`. The content of rejected hits is never Categorical nor kept,
    since it may be large. Safe to share between threads.
    """

    def __init__(self, store: Store, capacity: int = DEFAULT_BYTES, *, codes: bool = True) -> None:
        """Work that only copies rows needs no `codes`: polars keeps all texts that ever had one in this process for as
        long as any column with codes is alive, so a worker that kept such columns would grow with each new path.
        """
        self.store, self._capacity = store, capacity
        text = pl.col(pl.String, pl.Categorical).exclude(*CONTENT)
        self._text = text.cast(pl.Categorical() if codes else pl.String())
        self._kept: OrderedDict[_Key, pl.Series] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def frame(self, segment: str, section: str, names: Sequence[str]) -> pl.DataFrame:
        """Returns the named columns of a section. Raises Missing, CorruptBlob."""
        found = {name: self._get((segment, section, name)) for name in names}
        missing = [name for name, column in found.items() if column is None]
        if missing:
            found |= self._load(segment, section, missing)
        return pl.DataFrame([column for column in found.values() if column is not None])

    def filtered(self, segment: str, section: str, names: Sequence[str], mask: pl.Series) -> pl.DataFrame:
        """Returns the rows of the mask; reads large sections piece by piece, past the cache. Raises like `frame`."""
        sizes = self.store.column_bytes(segment, section)
        needs = sum(sizes.get(name, 0) for name in names) + len(mask) * len(names) * FIXED_BYTES
        if needs <= PIECE_BYTES or len(names) < FEW_COLUMNS:
            return self.frame(segment, section, names).filter(mask)
        rows = max(1, len(mask) * PIECE_BYTES // needs)
        pieces = [
            self._read(segment, section, list(names), (low, rows)).with_columns(self._text).filter(part)
            for low in range(0, len(mask), rows)
            if (part := mask.slice(low, rows)).any()
        ]
        return pl.concat(pieces)

    def _get(self, key: _Key) -> pl.Series | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _load(self, segment: str, section: str, names: list[str]) -> dict[str, pl.Series]:
        frame = self._read(segment, section, names).with_columns(self._text)
        columns = {name: frame[name] for name in names}
        for name, column in columns.items():
            if name not in CONTENT:
                self._keep((segment, section, name), column)
        return columns

    def _read(self, segment: str, section: str, names: list[str], rows: tuple[int, int] | None = None) -> pl.DataFrame:
        """Columns that were added after the segment was written are null, or what stands for them."""
        try:
            return self.store.read(segment, section, names, rows) if rows else self.store.read(segment, section, names)
        except Missing:
            if not ADDED_COLUMNS.keys() & names:
                raise
        sources = {name: self._source(segment, section, name) for name in names}
        # "visitor" is in all sections that columns were added to: it says how many rows there are.
        needs = list(dict.fromkeys(["visitor", *filter(None, sources.values())]))
        found = self.store.read(segment, section, needs, rows)
        values = [
            pl.col(source).alias(name) if source else pl.lit(None, ADDED_COLUMNS[name].dtype).alias(name)
            for name, source in sources.items()
        ]
        return found.with_columns(values).select(names)

    def _source(self, segment: str, section: str, name: str) -> str | None:
        """Returns where a column's values are in a segment: under its own name, under another, or nowhere."""
        if name not in ADDED_COLUMNS:
            return name
        try:
            self.store.read(segment, section, [name])
        except Missing:
            return ADDED_COLUMNS[name].fallback
        return name

    def _keep(self, key: _Key, column: pl.Series) -> None:
        with self._lock:
            if key not in self._kept:
                self._bytes += int(column.estimated_size())
            self._kept[key] = column
            while self._bytes > self._capacity and len(self._kept) > 1:
                self._bytes -= int(self._kept.popitem(last=False)[1].estimated_size())
