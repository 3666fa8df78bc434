"""The metrics of the registry: what a page may conclude from flags in place of counts."""

from itertools import product
from typing import get_args

import polars as pl
import pytest

from reporting.model.report import ReportError
from reporting.registry.metrics import METRICS, Measure, find_metric
from reporting.registry.source_columns import SUMS

MEASURES = get_args(Measure)


def possible_rows() -> pl.DataFrame:
    """All rows of the counts 0, 1 and 2 that events can give: a visitor, a session, and no more of those with a flag
    than of all.
    """
    counts = pl.DataFrame(
        product(*([range(3)] * len(MEASURES))), schema=dict.fromkeys(MEASURES, pl.Int64), orient="row"
    )
    has_session = pl.col("sessions") >= pl.max_horizontal("engaged_sessions", 1)
    has_visitor = pl.col("visitors") >= pl.max_horizontal("active_visitors", 1)
    return counts.filter(has_session & has_visitor)


ROWS = possible_rows()


@pytest.mark.parametrize("name", sorted(METRICS))
def test_it_works(name: str) -> None:
    """Flags show where a metric is zero, exactly for the metrics that say so."""
    metric = METRICS[name]
    counted = [measure for measure in metric.measures if measure not in SUMS]
    flags = ROWS.with_columns(pl.col(column).clip(upper_bound=1) for column in counted)
    alike = metric.sums or (ROWS.select(metric.value) != 0).equals(flags.select(metric.value) != 0)
    assert bool(alike) == metric.flags_show_zero


def test_flags_of_an_expression_show_nothing() -> None:
    assert not find_metric("x", {"x": "sessions - engagedSessions"}).flags_show_zero


def test_an_expression_may_not_take_the_name_of_a_metric() -> None:
    with pytest.raises(ReportError, match="already a metric"):
        find_metric("sessions", {"sessions": "totalUsers"})
