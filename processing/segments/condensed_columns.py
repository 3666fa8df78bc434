"""The condensed rows of events that are read column by column."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import polars as pl

from processing.segments.merged_rows import MergedRows
from processing.sessions.condensed import EVENT_COUNT, STEADY, SUMMED, sums_of_runs
from processing.store.rows import divide


class WatchedEvents:
    """Merged events. While their columns are written, it notices where runs of equal events begin: see CondensedRows.

    See rows.ColumnRows.
    """

    def __init__(self, rows: MergedRows) -> None:
        self.rows, self.schema = rows, rows.schema
        self._begins: list[pl.Series] = []  # by group of rows: which of them begin a run, by the columns so far
        self._unseen = set(STEADY)

    @property
    def groups(self) -> Sequence[int]:
        return self.rows.groups

    @property
    def text_bytes(self) -> int:
        return self.rows.text_bytes

    def columns(self, names: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
        for name, parts in zip(names, self.rows.columns(names), strict=True):
            yield self._watched(name, parts) if name in self._unseen else parts

    def begins(self) -> pl.Series:
        """Returns the numbers of the rows that begin a run, after it has looked at the columns that nobody has read."""
        for parts in self.columns(sorted(self._unseen)):
            for _ in parts:
                pass
        return pl.concat(self._begins).arg_true()

    def _watched(self, name: str, parts: Iterator[pl.Series]) -> Iterator[pl.Series]:
        seen = self._begins or [pl.repeat(value=False, n=rows, eager=True) for rows in self.groups]
        changed = list[pl.Series]()
        before: pl.Series | None = None
        for part in parts:
            differs = part.ne_missing(part.shift())
            differs[0] = before is None or bool(part.head(1).ne_missing(before)[0])
            changed.append(differs)
            before = part.tail(1)
            yield part
        self._begins = [known | new for known, new in zip(seen, changed, strict=True)]
        self._unseen.discard(name)


class CondensedRows:
    """See rows.ColumnRows. There is at least one event."""

    def __init__(self, events: WatchedEvents, schema: Mapping[str, pl.DataType]) -> None:
        """`schema` is CONDENSED, or the same with other types of text."""
        self.schema, self._events = schema, events

    @property
    def groups(self) -> Sequence[int]:
        return self._steady.groups

    @property
    def text_bytes(self) -> int:
        return self._steady.text_bytes

    def columns(self, names: Sequence[str]) -> Iterator[Iterator[pl.Series]]:
        steady = self._steady.columns([name for name in names if name in STEADY])
        summed = self._events.rows.columns([name for name in names if name in SUMMED])
        for name in names:
            if name in STEADY:
                yield next(steady)
            elif name in SUMMED:
                yield divide(sums_of_runs(pl.concat(list(next(summed))), self._lasts), self.groups)
            elif name == EVENT_COUNT:
                yield divide((self._lasts - self._firsts + 1).cast(self.schema[name]), self.groups)

    @cached_property
    def _firsts(self) -> pl.Series:
        return self._events.begins()

    @cached_property
    def _lasts(self) -> pl.Series:
        end = pl.Series([self._events.rows.height], dtype=self._firsts.dtype)
        return pl.concat([self._firsts.slice(1), end]) - 1

    @cached_property
    def _steady(self) -> MergedRows:
        return self._events.rows.taking(
            self._firsts, {name: self.schema[name] for name in STEADY if name in self.schema}
        )
