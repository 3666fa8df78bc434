"""Lists sessions. Figures are those of all of a session's events on the days of the range; dimensions are read from its
first event there. Texts are made for the sessions of the page only, unless the session filter or an order needs them.
"""

from collections.abc import Iterable

import polars as pl

from processing.interruption import checkpoint
from reporting.kinds.sessions.plan import ORDER, SessionsPlan
from reporting.kinds.sessions.report import FIGURES, ListedSession, SessionsAnswer
from reporting.model.expressions import ratio
from reporting.model.report import Leaf
from reporting.query.filters import Values, accepted, accepted_values, combine, numeric
from reporting.query.load import LoadedRows
from reporting.registry.dimensions.model import Dimension

OWN = ("session_key", "visitor_key", "start", "seconds", "engagement_seconds", "page_views", "events", "key_events",
       "engaged")  # fmt: skip


def run_sessions(plan: SessionsPlan, loaded: LoadedRows) -> SessionsAnswer:
    rows = loaded.of(plan, plan.days[0])
    if plan.report.dimension_filter is not None:
        kept = rows.filter(accepted(rows, plan.report.dimension_filter, plan.filter_dimensions, loaded.zone))
        rows = rows.filter(pl.col("session").is_in(kept["session"].unique().implode()))
    sessions = _figures(rows)
    if plan.chosen_by:
        sessions = _with_dimensions(sessions, rows, plan.chosen_by.values(), loaded.zone)
    if plan.report.session_filter is not None:
        sessions = sessions.filter(_chosen(plan, sessions, loaded.zone))
    page = _page(plan, sessions).select(*OWN, "session")
    names = [f"text {n}" for n in range(len(plan.dimensions))]
    named = (dimension._replace(name=name) for dimension, name in zip(plan.dimensions, names, strict=True))
    shown = _with_dimensions(page, rows.filter(pl.col("session").is_in(page["session"].implode())), named, loaded.zone)
    instant = pl.from_epoch("start", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
    texts = shown.with_columns(pl.col("session_key", "visitor_key").cast(pl.String), start=instant)
    return SessionsAnswer(
        dimensions=plan.report.dimensions,
        sessions=tuple(
            ListedSession(*[*row[: len(OWN)], row[len(OWN) :]]) for row in texts.select(*OWN, *names).iter_rows()
        ),
        row_count=sessions.height,
        zone=loaded.zone,
    )


def _figures(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns a row for each session: its number, its keys and its FIGURES."""
    checkpoint()
    counted = (
        rows.lazy()
        .group_by("session")
        .agg(
            pl.col("session_key", "visitor_key").first(),
            pl.col("time").min().alias("start"),
            pl.col("time").max().alias("last"),
            pl.col("engagement_ms").fill_null(0).sum(),
            pl.col("page_view").fill_null(value=False).cast(pl.Int64).sum().alias("page_views"),
            pl.len().cast(pl.Int64).alias("events"),
            pl.col("key").fill_null(value=False).cast(pl.Int64).sum().alias("key_events"),
            pl.col("engaged").fill_null(value=False).any(),
        )
        .collect()
    )
    return counted.with_columns(
        seconds=ratio(pl.col("last") - pl.col("start"), 1000),
        engagement_seconds=ratio(pl.col("engagement_ms"), 1000),
    )


def _with_dimensions(
    sessions: pl.DataFrame, rows: pl.DataFrame, dimensions: Iterable[Dimension], zone: str
) -> pl.DataFrame:
    """Adds the texts of dimensions at each session's first event, under their names. `rows` are those of sessions."""
    checkpoint()
    earliest = rows.filter(pl.col("time") == pl.col("time").min().over("session"))
    first = earliest.sort(ORDER).unique("session", keep="first", maintain_order=True)
    texts = [dimension.texts_of(first, zone) for dimension in dimensions]
    return sessions.join(pl.DataFrame([first["session"], *texts]), on="session", how="left", maintain_order="left")


def _chosen(plan: SessionsPlan, sessions: pl.DataFrame, zone: str) -> pl.Expr:
    def accepts(leaf: Leaf) -> pl.Expr:
        if leaf.field in FIGURES:
            figure = pl.col(leaf.field)
            value = ratio(figure, 1000) if leaf.field == "start" else figure.cast(pl.Float64)
            return numeric(leaf, value)
        text = plan.chosen_by[leaf.field]._replace(
            columns=(leaf.field,), key=lambda _zone: pl.col(leaf.field), text=lambda key: key
        )
        values = Values([sessions], text, zone)
        return values.rows(accepted_values(leaf, values))

    assert plan.report.session_filter is not None  # noqa: S101 - for the type checker
    return combine(plan.report.session_filter, accepts)


def _page(plan: SessionsPlan, sessions: pl.DataFrame) -> pl.DataFrame:
    """Orders the sessions; equal ones by their start, then by their key."""
    keys = [pl.col(order.name) for order in plan.report.orders]
    descending = [order.descending for order in plan.report.orders]
    ordered = sessions.sort([*keys, "start", "session_key"], descending=[*descending, False, False])
    return ordered.slice(plan.report.offset, plan.report.limit)
