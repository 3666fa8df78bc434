"""Finds where sessions begin and end: their first page views and their last ones, and the pages of these.

Rows are in the order of their sessions; `number` numbers the sessions, `part` the days of each session, both from 1.
"""

from typing import Final, NamedTuple

import polars as pl

from processing.schema import EXIT, LANDING

CARRIED: Final = [*LANDING, EXIT]


class Views(NamedTuple):
    """Rows of page views: the first of each session in the frame, the last of each part; null where there is none.

    `seen`: whether the session of this number had page views in an earlier period.
    """

    first: pl.Series
    last: pl.Series
    seen: pl.Series


def find_views(rows: pl.DataFrame) -> Views:
    views = rows["page_view"].arg_true()
    number, part = rows["number"].gather(views), rows["part"].gather(views)
    begins, ends = number.ne_missing(number.shift()), part.ne_missing(part.shift(-1))
    return Views(
        _placed(_count(rows["number"]), number.filter(begins), views.filter(begins)),
        _placed(_count(rows["part"]), part.filter(ends), views.filter(ends)),
        _seen_before(rows),
    )


def flag_views(rows: pl.DataFrame, views: Views) -> list[pl.Series]:
    """Returns `entrance`, true for the first page view of a session, and `last_view`, for the last of each part."""
    entrances = views.first.filter(~views.seen).drop_nulls()
    none = pl.repeat(value=False, n=rows.height, eager=True, dtype=pl.Boolean)
    return [
        none.clone().scatter(flagged, True).alias(name)
        for name, flagged in (("entrance", entrances), ("last_view", views.last.drop_nulls()))
    ]


def landings_and_exits(rows: pl.DataFrame, views: Views, parts: pl.DataFrame) -> pl.DataFrame:
    """Returns LANDING and EXIT for each part: of the session's page views from its beginning to the end of the part."""
    of_session = parts["number"] - 1
    first, last = views.first.gather(of_session), _latest(views.last, parts["number"])
    landed = (rows["part"].gather(first) <= parts["part"]).fill_null(value=False)
    columns = [*(rows[page].gather(first).set(~landed, None) for page in ("path", "query")), rows["path"].gather(last)]
    found = [column.alias(name) for name, column in zip(CARRIED, columns, strict=True)]
    if not parts["continues_carried_session"].any():
        return pl.DataFrame(found)
    carried = parts.filter("is_first").select(
        pl.when("continues_carried_session").then(f"carried_{name}").alias(name) for name in CARRIED
    )[of_session]
    seen = views.seen.gather(of_session)
    own = [~seen, ~seen, last.is_not_null()]
    return pl.DataFrame([new.zip_with(is_own, carried[new.name]) for new, is_own in zip(found, own, strict=True)])


def _latest(last: pl.Series, number: pl.Series) -> pl.Series:
    """Returns for each part the row of its session's latest view in the frame by the end of the part.

    session   1     1     2     2     2
    last            7           12
    latest          7           12    12
    """
    if number.len() == 0 or number[-1] == number.len():  # each session has one part
        return last
    filled = pl.DataFrame({"last": last, "number": number}).with_columns(
        row=pl.col("last").forward_fill(),
        of=pl.when(pl.col("last").is_not_null()).then("number").forward_fill(),
    )
    return filled.select(pl.when(pl.col("of") == pl.col("number")).then("row")).to_series()


def _seen_before(rows: pl.DataFrame) -> pl.Series:
    firsts = rows.select("number", "is_session_start", "carried_page_views").filter(
        pl.col("number").ne_missing(pl.col("number").shift())
    )
    seen = ~pl.col("is_session_start") & (pl.col("carried_page_views") > 0)
    return firsts.select(seen.fill_null(value=False)).to_series()


def _placed(count: int, places: pl.Series, values: pl.Series) -> pl.Series:
    """Returns a column of so many items, with the values at the places (from 1), and null elsewhere."""
    return pl.repeat(None, count, dtype=values.dtype, eager=True).scatter(places - 1, values)


def _count(numbers: pl.Series) -> int:
    return int(numbers[-1]) if numbers.len() else 0
