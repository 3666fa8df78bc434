"""Rejected hits by reason: how many, and the latest of them with their content."""

from datetime import date
from typing import NamedTuple

import polars as pl

from processing.segments.read_view import ReadView


class RejectedReason(NamedTuple):
    """`latest` has schema.REJECTED, the latest hit first."""

    reason: str
    hits: int
    latest: pl.DataFrame


def rejected_by_reason(view: ReadView, first: date, last: date, samples: int) -> list[RejectedReason]:
    """Returns the reasons of these local days, the most frequent first. The content of the samples alone is read."""
    rows = view.rejected(first, last)
    counts = rows["reason"].value_counts().sort("count", "reason", descending=[True, False])
    groups = rows.partition_by("reason", as_dict=True)
    found = []
    for reason, count in counts.iter_rows():
        latest = groups[(reason,)].sort("time", "position", descending=True).head(samples)
        found.append(RejectedReason(reason, count, view.with_content(latest)))
    return found
