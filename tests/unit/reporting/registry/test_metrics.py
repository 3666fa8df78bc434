"""The metrics of the registry: what a page may conclude from flags in place of counts."""

from collections.abc import Collection
from itertools import product

import polars as pl
import pytest

from reporting.model.report import ReportError
from reporting.registry.measures import Distinct, Measure, PerSessionDay, Sum
from reporting.registry.metrics import METRICS, find_metric


def possible_rows(measures: Collection[Measure]) -> pl.DataFrame:
    """All rows of the counts 0, 1 and 2 that events can give: a visitor, a session, and no more of those with a flag
    than of all.
    """
    names = {"visitors", "sessions", *(measure.name for measure in measures)}
    counts = pl.DataFrame(product(*([range(3)] * len(names))), schema=dict.fromkeys(names, pl.Int64), orient="row")
    has_session = pl.col("sessions") >= pl.max_horizontal(
        1, *(names & {"engaged_sessions", "key_sessions", "error_sessions"})
    )
    has_visitor = pl.col("visitors") >= pl.max_horizontal(
        1, *(names & {"active_visitors", "new_visitors", "key_visitors", "crashed_visitors"})
    )
    return counts.filter(has_session & has_visitor)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_it_works(name: str) -> None:
    """Flags show where a metric is zero, exactly for the metrics that say so."""
    metric = METRICS[name]
    if not all(isinstance(measure, Sum | Distinct | PerSessionDay) for measure in metric.measures):
        assert not metric.flags_show_zero  # a flag says less of other measures
        return
    rows = possible_rows(metric.measures)
    counted = [measure.name for measure in metric.measures if not isinstance(measure, Sum)]
    flags = rows.with_columns(pl.col(column).clip(upper_bound=1) for column in counted)
    alike = (rows.select(metric.value) != 0).equals(flags.select(metric.value) != 0)
    assert alike == metric.flags_show_zero


def test_flags_of_an_expression_show_nothing() -> None:
    assert not find_metric("x", {"x": "sessions - engagedSessions"}).flags_show_zero


def test_an_expression_may_not_take_the_name_of_a_metric() -> None:
    with pytest.raises(ReportError, match="already a metric"):
        find_metric("sessions", {"sessions": "totalUsers"})
