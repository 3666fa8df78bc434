"""Lists the events of one visitor. Erased visitors have none: reports do not see their rows."""

import polars as pl

from reporting.kinds.visitor.plan import ORDER, VisitorPlan
from reporting.kinds.visitor.report import VisitorAnswer, VisitorEvent
from reporting.model.expressions import ratio
from reporting.query.filters import accepted
from reporting.query.load import LoadedRows


def run_visitor(plan: VisitorPlan, loaded: LoadedRows) -> VisitorAnswer:
    rows = loaded.of(plan, plan.days[0])
    rows = rows.filter(pl.col("visitor_key") == pl.lit(plan.key, dtype=pl.UInt64))
    rows = rows.filter(accepted(rows, plan.report.dimension_filter, plan.filter_dimensions, loaded.zone))
    page = rows.sort(ORDER).slice(plan.report.offset, plan.report.limit)
    own = page.select(
        pl.from_epoch("time", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        pl.col("session_key").cast(pl.String),
        pl.col("key").cast(pl.Boolean).fill_null(value=False),
        ratio(pl.col("engagement_ms").fill_null(0), 1000),
    )
    texts = pl.DataFrame(
        [dimension.texts_of(page, loaded.zone).alias(f"text {n}") for n, dimension in enumerate(plan.dimensions)]
    )
    dimensions = texts.rows() if plan.dimensions else [()] * page.height
    return VisitorAnswer(
        visitor=plan.report.visitor,
        dimensions=plan.report.dimensions,
        events=tuple(VisitorEvent(*[*row, values]) for row, values in zip(own.iter_rows(), dimensions, strict=True)),
        row_count=rows.height,
        sessions=rows["session"].n_unique(),
        zone=loaded.zone,
    )
