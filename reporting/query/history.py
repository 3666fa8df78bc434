"""Adds to loaded rows what the history of the property says of them, see registry/history_columns.py."""

from collections.abc import Collection
from typing import Protocol

import numpy as np
import polars as pl

from processing.sessions.first_sightings import FirstSightings, Sighting
from reporting.registry.history_columns import HISTORY_COLUMNS, FactOfFirst, HistoryColumn


class History(Protocol):
    """The property's events of all time."""

    def first_sightings(self, kind: Sighting) -> FirstSightings: ...


def with_history(rows: pl.DataFrame, names: Collection[str], history: History) -> pl.DataFrame:
    """Adds those of the named columns that are HISTORY_COLUMNS. The rows have what `stored_columns` says."""
    wanted = {name: HISTORY_COLUMNS[name] for name in names if name in HISTORY_COLUMNS}
    kinds = {column.kind.section: column.kind for column in wanted.values()}
    firsts = {section: _Firsts(rows, kind, history.first_sightings(kind)) for section, kind in kinds.items()}
    return rows.with_columns(firsts[column.kind.section].column(column).alias(name) for name, column in wanted.items())


class _Firsts:
    """The first sightings of the rows' keys: rows of one key lie together, so that each run is looked up once."""

    def __init__(self, rows: pl.DataFrame, kind: Sighting, sightings: FirstSightings) -> None:
        self._rows = rows
        runs = rows[kind.key].rle().struct.unnest()
        self._of_run = sightings.of(runs["value"])
        self._run_of_row = pl.Series(np.repeat(np.arange(runs.height, dtype=np.uint32), runs["len"].to_numpy()))

    def column(self, column: HistoryColumn) -> pl.Series:
        if isinstance(column, FactOfFirst):
            return self._fact(column.fact)
        same = pl.Series([True]).new_from_index(0, self._rows.height)
        for name in column.columns:
            same &= (self._rows[name] == self._fact(name)).fill_null(value=False)
        return same

    def _fact(self, name: str) -> pl.Series:
        return self._of_run[name].gather(self._run_of_row)
