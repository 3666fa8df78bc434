"""Turns events into sessions: finds duplicates, session starts, and what each local day of a session adds to it.

Pure functions on all rows of some visitors. The definitions are in docs/manual/counting.md.
"""

from typing import Final, NamedTuple

import polars as pl

from processing.schema import (
    ATTRIBUTION,
    BUILT,
    EVENTS,
    EXIT,
    HOUR_MS,
    LANDING,
    OPEN_IDS,
    OPEN_SESSIONS,
    SESSION_TOTALS,
)
from processing.sessions.local_periods import Period
from processing.sessions.session_pages import find_views, flag_views, landings_and_exits

CLIENT_SESSION_GAP_MS: Final = 4 * HOUR_MS
RESEND_WINDOW_MS: Final = 72 * HOUR_MS

THREAD: Final = ["visitor", "client_session"]  # within one thread, only gaps separate sessions
ORDER: Final = [*THREAD, "time", "sequence", "hit", "index"]


class Limits(NamedTuple):
    """The gap that ends a session, and the engagement time above which a session is engaged (ms)."""

    timeout_ms: int
    engaged_ms: int = 10_000


class Carry(NamedTuple):
    """What a period must know of the time before it: OPEN_SESSIONS and OPEN_IDS, both sorted."""

    sessions: pl.DataFrame
    ids: pl.DataFrame


def no_carry() -> Carry:
    return Carry(pl.DataFrame(schema=OPEN_SESSIONS), pl.DataFrame(schema=OPEN_IDS))


def max_gap(timeout_ms: int) -> pl.Expr:
    """Returns the longest gap between events of a session (ms). One that the client named survives longer ones."""
    named = max(timeout_ms, CLIENT_SESSION_GAP_MS)
    return pl.when(pl.col("client_session").is_null()).then(timeout_ms).otherwise(named)


def original_positions(hits: pl.DataFrame, earlier: pl.DataFrame, period: Period) -> pl.Series:
    """Returns the positions of the hits that are not re-sends: the earliest of each visitor and hit id.

    `hits` has `visitor`, `hit`, `time`, `received_us`, `position`, `stable`; `earlier` are the OPEN_IDS of the periods
    before.
    """
    if period.first_day == period.last_day:
        return _originals(hits, earlier)["position"]
    # Day by day, so that a folded month gives the same as its days. A day compares with the hits of the day itself, and
    # with hits of earlier days whose time depends on receipt, back to RESEND_WINDOW_MS before the day's start.
    days = _local_days(hits["time"], period)
    positions, ids = [pl.Series("position", [], dtype=pl.UInt64)], earlier
    for day in days.unique().sort():
        ids = ids.filter(pl.col("time") >= period.starts[day - period.first_day] - RESEND_WINDOW_MS)
        originals = _originals(hits.filter(days == day), ids)
        positions.append(originals["position"])
        ids = pl.concat([ids, originals.filter(~pl.col("stable")).select(*OPEN_IDS)])
    return pl.concat(positions)


def _originals(hits: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    ordered = hits.sort("visitor", "hit", "time", "received_us", "position")
    return ordered.filter(~_same("visitor", "hit")).join(earlier, on=["visitor", "hit"], how="anti")


def sessionize(
    events: pl.DataFrame, carried: pl.DataFrame, period: Period, limits: Limits
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Returns the BUILT rows of EVENTS of whole visitors, and the OPEN_SESSIONS at the end of the period.

    `carried` are the OPEN_SESSIONS of these visitors at its beginning.
    """
    rows = _number_sessions(events.sort(ORDER, nulls_last=False), carried, period, limits.timeout_ms)
    views = find_views(rows)
    rows = rows.with_columns(_key_events(rows), *flag_views(rows, views))
    parts = _judge_parts(_sum_parts(rows), period, limits)
    parts = parts.hstack(landings_and_exits(rows, views, parts))
    attributed = [f"session_{name}" for name in ATTRIBUTION]
    facts = parts.select("part", "session", *attributed, "engaged", "duration_ms", *LANDING, EXIT)
    own = rows.select(*EVENTS, "day", "part", "key", "entrance", "last_view")
    built = own.join(facts, on="part", how="left", maintain_order="left")
    return built.with_columns(active=_is_active()).select(*BUILT), parts.filter("open").select(*OPEN_SESSIONS)


def _same(*columns: str) -> pl.Expr:
    """Returns whether the row has the same values as the row before it; nulls are equal to each other."""
    same = [pl.col(name).eq_missing(pl.col(name).shift()) for name in columns]
    return pl.all_horizontal(same) & (pl.int_range(pl.len()) > 0)


def _number_sessions(events: pl.DataFrame, carried: pl.DataFrame, period: Period, timeout_ms: int) -> pl.DataFrame:
    """Numbers the sessions of ordered events (`number`, from 1), and the parts of sessions by local day (`part`).

    Puts the carried session of the thread beside each event, as `carried_…`. The first event of a thread has
    `is_session_start` false if it continues that session.
    """
    before = carried.rename({name: f"carried_{name}" for name in carried.columns if name not in THREAD})
    rows = events.join(before, on=THREAD, how="left", nulls_equal=True, maintain_order="left")
    rows = rows.with_columns(_local_days(rows["time"], period), same_thread=_same(*THREAD))
    previous = pl.when("same_thread").then(pl.col("time").shift()).otherwise(pl.col("carried_last"))
    is_start = (pl.col("time") - previous > max_gap(timeout_ms)).fill_null(value=True)
    rows = rows.with_columns(is_session_start=is_start)
    rows = rows.with_columns(number=(pl.col("is_session_start") | ~pl.col("same_thread")).cum_sum())
    return rows.with_columns(part=(~_same("number", "day")).cum_sum())


def _key_events(rows: pl.DataFrame) -> pl.Series:
    """Returns which events count as key events (`key`)."""
    # A key event that counts once per session has a bit of `once`, and only the first event of its session with that
    # bit counts. One session that continues a carried one, in which bit 2 has fired; no event has `key_event`:
    #   once   bit 1 of it           bit 2 of it     key
    #      2   no                    already fired   no
    #      1   yes, the first time   no              yes
    #      3   the second time       already fired   no
    if rows["once"].null_count() == rows.height:
        return rows["key_event"].alias("key")
    is_first = ~rows.select(_same("number")).to_series()
    continues_carried_session = ~rows["is_session_start"].filter(is_first).gather(rows["number"] - 1)
    already_fired = rows.select(pl.when(continues_carried_session).then("carried_fired").fill_null(0)).to_series()
    key = rows["key_event"]
    for bit in _used_bits(rows["once"]):
        can_fire = ((rows["once"] & bit) != 0).fill_null(value=False) & ((already_fired & bit) == 0)
        times = rows.select("number", can_fire.alias("fires")).select(pl.col("fires").cum_sum().over("number"))
        key = key | (can_fire & (times.to_series() == 1))
    return key.alias("key")


def _used_bits(masks: pl.Series) -> list[int]:
    """Returns the bits that any of the masks has: [0b101, 0b100] -> [0b1, 0b100]."""
    used = masks.to_frame("once").select(pl.col("once").bitwise_or()).item() or 0
    return [1 << place for place in range(64) if used >> place & 1]


def _local_days(times: pl.Series, period: Period) -> pl.Series:
    index = pl.Series(period.starts, dtype=pl.Int64).search_sorted(times, side="right")
    return (index.cast(pl.Int32) - 1 + period.first_day).alias("day")


def _sum_parts(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns one row per part, with the part's own sums, and the carried session beside it."""
    return rows.group_by("part", maintain_order=True).agg(
        pl.col("number", "day", *THREAD).first(),
        pl.col("time").first().alias("first"),
        pl.col("time").last().alias("last"),
        pl.col("hit").first(),
        (~pl.col("same_thread").first() & ~pl.col("is_session_start").first()).alias("continues_carried_session"),
        pl.col(*ATTRIBUTION).first(),
        pl.col("page_view").sum().cast(pl.Int64).alias("page_views"),
        pl.col("engagement_ms").sum().alias("engagement"),
        pl.col("key").sum().cast(pl.Int64).alias("key_events"),
        pl.col("once").bitwise_or(),
        pl.col("client_engaged").any(),
        pl.col("signals").any(),
        pl.col(*(f"carried_{name}" for name in OPEN_SESSIONS if name not in THREAD)).first(),
    )


def _judge_parts(parts: pl.DataFrame, period: Period, limits: Limits) -> pl.DataFrame:
    """Adds what is known of each session at the end of each of its days, and the duration that the day adds."""
    parts = parts.with_columns(is_first=~_same("number"))
    parts = _accumulate(_with_session_facts(parts))
    previous_last = (
        pl.when(~pl.col("is_first"))
        .then(pl.col("last").shift())
        .when("continues_carried_session")
        .then("carried_last")
        .otherwise("first")
    )
    is_last = pl.col("number").ne_missing(pl.col("number").shift(-1))
    return parts.with_columns(
        duration_ms=pl.col("last") - previous_last,
        engaged=_is_engaged(limits.engaged_ms),
        open=is_last & (pl.col("last") + max_gap(limits.timeout_ms) >= period.end),
    )


def _with_session_facts(parts: pl.DataFrame) -> pl.DataFrame:
    """Adds the session's key, start, attribution and fired bits, from its first part or from the carried session."""
    continues = pl.col("continues_carried_session")
    firsts = parts.filter("is_first")
    attribution = [
        pl.when(continues).then(f"carried_session_{name}").otherwise(name).alias(f"session_{name}")
        for name in ATTRIBUTION
    ]
    once = parts.group_by("number", maintain_order=True).agg(pl.col("once").bitwise_or())["once"]
    fired = pl.when(continues).then("carried_fired").fill_null(0) | pl.lit(once).fill_null(0)
    facts = firsts.select(
        pl.when(continues).then("carried_session").otherwise(_session_keys(firsts)).alias("session"),
        pl.when(continues).then("carried_start").otherwise("first").alias("start"),
        *attribution,
        pl.when(fired != 0).then(fired).alias("fired"),
    )
    return parts.hstack(facts[parts["number"] - 1])


def _accumulate(parts: pl.DataFrame) -> pl.DataFrame:
    """Replaces each part's own SESSION_TOTALS by those from the start of its session to the end of the part.

    They are prefix sums minus the prefix sum at the session's start, plus what the session carries from earlier
    periods. Two sessions of two parts, of which the second carries 5 page views:

        own               1  2 | 3  1
        prefix sums       1  3 | 6  7
        at the start      0  0 | 3  3
        carried           0  0 | 5  5
        result            1  3 | 8  9

    Flags are counted, and true if the count is not 0. A window per session would cost twenty times as much.
    """
    own = parts.select(pl.col(name).cast(pl.Int64) for name in SESSION_TOTALS)
    prefix_sums = own.select(pl.all().cum_sum())
    at_start = (prefix_sums - own).filter(parts["is_first"])
    carried = parts.filter("is_first").select(
        pl.when("continues_carried_session").then(pl.col(f"carried_{name}").cast(pl.Int64)).otherwise(0).alias(name)
        for name in SESSION_TOTALS
    )
    totals = prefix_sums - (at_start - carried)[parts["number"] - 1]
    return parts.with_columns(
        totals.select(
            (pl.col(name) > 0 if dtype == pl.Boolean() else pl.col(name)) for name, dtype in SESSION_TOTALS.items()
        )
    )


def _is_engaged(engaged_ms: int) -> pl.Expr:
    span = pl.when("signals").then("engagement").otherwise(pl.col("last") - pl.col("start"))
    return (span > engaged_ms) | (pl.col("page_views") >= 2) | (pl.col("key_events") > 0) | pl.col("client_engaged")


def _is_active() -> pl.Expr:
    page_view_alone = ~pl.col("signals") & pl.col("page_view")
    return pl.col("engaged") | (pl.col("engagement_ms") > 0) | pl.col("first_visit") | page_view_alone


def _session_keys(firsts: pl.DataFrame) -> pl.Series:
    """Computes the keys of sessions from their first events, so that they do not depend on the order of arrival.

    The arithmetic must never change, since the keys are stored and compared.
    """
    by_time = _mix(firsts["visitor"] ^ _mix(firsts["first"].cast(pl.UInt64)))
    return _mix(by_time ^ firsts["hit"]).alias("session_key")


def _mix(values: pl.Series) -> pl.Series:
    """Applies the finalizer of MurmurHash3: a bijection of 64-bit numbers that spreads every bit."""
    # One step at a time: as one expression, the tree would double with each step.
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values // 2**33)) * pl.Series([factor], dtype=pl.UInt64)
    return values ^ (values // 2**33)
