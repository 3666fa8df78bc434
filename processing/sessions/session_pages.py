"""Finds where sessions begin and end: their first page views and their last ones, and the pages of these.

Rows are in the order of their sessions; `number` numbers the sessions, `part` the days of each session, both from 1.
"""

from typing import Final

import polars as pl

from processing.schema import EXIT, LANDING

PAGE: Final = ("path", "query")


def flag_views(rows: pl.DataFrame) -> list[pl.Series]:
    """Returns `entrance`, true for the first page view of a session, and `last_view`, for the last of each part."""
    views = rows.select("number", "part", "page_view").with_row_index("row").filter("page_view")
    began_before = _began_before(rows)
    entrances = views.filter(_differs("number", 1))
    entrances = entrances.filter(~began_before.gather(entrances["number"] - 1))
    last_views = views.filter(_differs("part", -1))
    return [_flags(rows.height, entrances["row"], "entrance"), _flags(rows.height, last_views["row"], "last_view")]


def landings_and_exits(rows: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Returns LANDING and EXIT for each part: of the session's page views from its beginning to the end of the part."""
    views = rows.select("number", "part", "page_view", *PAGE).filter("page_view").drop("page_view")
    carried = _carried(parts)
    landed = parts.select("number", "part").join(
        views.filter(_differs("number", 1)).select("number", pl.col("part").alias("landed"), *PAGE),
        on="number",
        how="left",
        maintain_order="left",
    )
    left = _latest(views, parts)
    return pl.select(
        *(
            pl.when(pl.lit(carried["seen"]))
            .then(pl.lit(carried[name]))
            .when(pl.lit(landed["landed"] <= landed["part"]))
            .then(pl.lit(landed[page]))
            .alias(name)
            for name, page in zip(LANDING, PAGE, strict=True)
        ),
        pl.when(pl.lit(left["seen"])).then(pl.lit(left["path"])).otherwise(pl.lit(carried[EXIT])).alias(EXIT),
    )


def _latest(views: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Returns for each part the page of its session's latest view in the frame by the end of the part; `seen`: whether
    there is one.

        session   1     1     2     2
        view      a           b     c
        latest    a     a     b     c
    """
    own = views.filter(_differs("part", -1)).select("part", "path").with_columns(seen=True)
    joined = parts.select("number", "part").join(own, on="part", how="left", maintain_order="left")
    row = joined.select(pl.when("seen").then(pl.int_range(pl.len(), dtype=pl.UInt32)).forward_fill()).to_series()
    latest = joined.select(pl.col("number", "path").gather(pl.lit(row)))
    return latest.with_columns(seen=latest["number"].eq_missing(joined["number"]))


def _carried(parts: pl.DataFrame) -> pl.DataFrame:
    """Returns for each part what its session carries of earlier periods; `seen`: whether it had a page view."""
    names = [*LANDING, EXIT]
    firsts = parts.filter("is_first").select(
        (pl.col("continues_carried_session") & (pl.col("carried_page_views") > 0)).fill_null(value=False).alias("seen"),
        *(pl.when("continues_carried_session").then(f"carried_{name}").alias(name) for name in names),
    )
    return firsts[parts["number"] - 1]


def _began_before(rows: pl.DataFrame) -> pl.Series:
    """Returns for each session whether it had a page view in an earlier period."""
    firsts = rows.filter(_differs("number", 1))
    return firsts.select(
        ~pl.col("is_session_start") & (pl.col("carried_page_views") > 0).fill_null(value=False)
    ).to_series()


def _differs(column: str, step: int) -> pl.Expr:
    """Returns whether the row has another value than the row before it (step 1) or after it (step -1)."""
    return pl.col(column).ne_missing(pl.col(column).shift(step))


def _flags(height: int, rows: pl.Series, name: str) -> pl.Series:
    return pl.repeat(value=False, n=height, eager=True, dtype=pl.Boolean).scatter(rows, True).alias(name)
