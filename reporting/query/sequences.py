"""Finds sequences in the events of visitors or sessions. An event reaches a step if the filter of the step accepts it,
and an earlier event of the same visitor reached the step before; the last such event decides whether the time between
the two is short enough:

    row   visitor   accepted by   before it   reaches
    0     1         1             -           1
    1     1         2             row 0       2
    2     1         1             -           1
    3     2         2             -           -          in an open sequence: 2
    4     2         1             -           1
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reporting.model.report import Filter
from reporting.query.filters import accepted
from reporting.registry.dimensions.model import Dimension

Numbers = NDArray[np.int64]


class Step(Protocol):
    """`directly`: no other event lies between this one and that of the step before."""

    @property
    def filter(self) -> Filter: ...
    @property
    def directly(self) -> bool: ...
    @property
    def within_seconds(self) -> int | None: ...


class Reached(NamedTuple):
    """`rows` are the rows that reach a step; `continuing` those of them that come from the step before, with the time
    since then, in ms.
    """

    rows: Numbers
    continuing: Numbers
    elapsed_ms: Numbers


def order_of(identity: str) -> tuple[str, ...]:
    """Returns the columns that put the events of visitors or sessions into an order that does not depend on their
    arrival. Clients count their hits (sequence).
    """
    return (identity, "time", "sequence", "hit", "index")


def reached_steps(
    rows: pl.DataFrame,
    identity: str,
    steps: Iterable[Step],
    dimensions: Mapping[str, Dimension],
    zone: str,
    *,
    open: bool,
) -> list[Reached]:
    """Returns what reaches each step, of rows in the order of `order_of(identity)`. `open`: a step needs no other."""
    ids = rows[identity].to_numpy()
    number = np.arange(len(ids))
    new = np.concatenate(([True], ids[1:] != ids[:-1]))[: len(ids)]
    first_of_id = np.maximum.accumulate(np.where(new, number, 0))
    times = rows["time"].to_numpy()
    reached = list[Reached]()
    for step in steps:
        fits = accepted(rows, step.filter, dimensions, zone).to_numpy()
        if not reached:
            reached.append(Reached(np.flatnonzero(fits), number[:0], number[:0]))
            continue
        last = _last_before(reached[-1].rows, len(ids))
        follows = fits & (last >= first_of_id)
        elapsed = times - times[last]
        if step.directly:
            follows &= last == number - 1
        if step.within_seconds is not None:
            follows &= elapsed <= step.within_seconds * 1000
        continuing = np.flatnonzero(follows)
        rows_reached = np.flatnonzero(fits) if open else continuing
        reached.append(Reached(rows_reached, continuing, elapsed[continuing]))
    return reached


def _last_before(marked: Numbers, size: int) -> Numbers:
    """Returns for each row the last marked row before it, -1 for none: rows 1 and 2 of 4 -> [-1, -1, 1, 2]."""
    last = np.full(size + 1, -1, dtype=np.int64)
    last[marked + 1] = marked
    return np.maximum.accumulate(last)[:-1]
