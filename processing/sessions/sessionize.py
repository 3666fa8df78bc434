"""From events to sessions: which hits are duplicates, where sessions begin, and what each local day of a session says
about it.

Pure functions on the rows of whole visitors. The definitions are section 4 of the design and the manual's page on
sessions.
"""

from typing import Final, NamedTuple

import polars as pl

from processing.schema import ATTRIBUTION, BUILT, EVENTS, HOUR_MS, OPEN_IDS, OPEN_SESSIONS, SESSION_TOTALS
from processing.sessions.local_periods import Period

CLIENT_SESSION_GAP_MS: Final = 4 * HOUR_MS
RESEND_WINDOW_MS: Final = 72 * HOUR_MS

THREAD: Final = ["visitor", "client_session"]  # within one thread, sessions are split by gaps alone
ORDER: Final = [*THREAD, "time", "sequence", "hit", "index"]


class Limits(NamedTuple):
    """The silence that ends a session, and the engagement time above which one is engaged (ms)."""

    timeout_ms: int
    engaged_ms: int = 10_000


class Carry(NamedTuple):
    """What a period must know of the time before it: OPEN_SESSIONS and OPEN_IDS, both sorted."""

    sessions: pl.DataFrame
    ids: pl.DataFrame


def no_carry() -> Carry:
    return Carry(pl.DataFrame(schema=OPEN_SESSIONS), pl.DataFrame(schema=OPEN_IDS))


def gap_limit(timeout_ms: int) -> pl.Expr:
    """The longest silence that a session of this thread survives (ms)."""
    named = max(timeout_ms, CLIENT_SESSION_GAP_MS)
    return pl.when(pl.col("client_session").is_null()).then(timeout_ms).otherwise(named)


def winners(hits: pl.DataFrame, earlier: pl.DataFrame, period: Period) -> pl.Series:
    """The positions of the hits that are not re-sends: of one visitor and hit id, the earliest.

    `hits` has `visitor`, `hit`, `time`, `received_us`, `position`, `stable`; `earlier` are the OPEN_IDS of the periods
    before. Day by day, so that a folded month says the same as its days: a day knows its own ids, and of the days
    before those whose time depends on receipt, back to RESEND_WINDOW_MS before it began.
    """
    if period.first_day == period.last_day:
        return _earliest(hits, earlier)["position"]
    days = _days(hits["time"], period)
    found, ids = [pl.Series("position", [], dtype=pl.UInt64)], earlier
    for day in days.unique().sort():
        today = hits.filter(days == day)
        ids = ids.filter(pl.col("time") >= period.starts[day - period.first_day] - RESEND_WINDOW_MS)
        first = _earliest(today, ids)
        found.append(first["position"])
        ids = pl.concat([ids, first.filter(~pl.col("stable")).select(*OPEN_IDS)])
    return pl.concat(found)


def _earliest(hits: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    ordered = hits.sort("visitor", "hit", "time", "received_us", "position")
    first = ordered.filter(~_same("visitor", "hit"))
    return first.join(earlier, on=["visitor", "hit"], how="anti")


def sessionise(
    events: pl.DataFrame, carried: pl.DataFrame, period: Period, limits: Limits
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """EVENTS of whole visitors and their OPEN_SESSIONS -> (BUILT rows, the OPEN_SESSIONS at the end of the period)."""
    runs = _number_runs(events.sort(ORDER, nulls_last=False), carried, period, limits.timeout_ms)
    runs = runs.with_columns(_keys(runs))
    parts = _judge(_sum_parts(runs), period, limits)
    facts = parts.select("part", "session", *(f"session_{name}" for name in ATTRIBUTION), "engaged", "duration_ms")
    built = runs.select(*EVENTS, "day", "part", "key").join(facts, on="part", how="left", maintain_order="left")
    return built.with_columns(active=_active()).select(*BUILT), parts.filter("open").select(*OPEN_SESSIONS)


def _same(*columns: str) -> pl.Expr:
    """True where the row has the same values as the row before it; nulls are equal to each other."""
    same = [pl.col(name).eq_missing(pl.col(name).shift()) for name in columns]
    return pl.all_horizontal(same) & (pl.int_range(pl.len()) > 0)


def _number_runs(events: pl.DataFrame, carried: pl.DataFrame, period: Period, timeout_ms: int) -> pl.DataFrame:
    """Adds `run` (one number per session), `part` (one per session and day), and the carried session beside each
    event.
    """
    before = carried.rename({name: f"carried_{name}" for name in carried.columns if name not in THREAD})
    rows = events.join(before, on=THREAD, how="left", nulls_equal=True, maintain_order="left")
    rows = rows.with_columns(_days(rows["time"], period), follows=_same(*THREAD))
    previous = pl.when("follows").then(pl.col("time").shift()).otherwise(pl.col("carried_last"))
    rows = rows.with_columns(begins=(pl.col("time") - previous > gap_limit(timeout_ms)).fill_null(value=True))
    rows = rows.with_columns(run=(pl.col("begins") | ~pl.col("follows")).cum_sum())
    return rows.with_columns(part=(~_same("run", "day")).cum_sum())


def _keys(runs: pl.DataFrame) -> pl.Series:
    """Which events count as key events: of those that count once a session, the first of it with that bit."""
    if runs["once"].null_count() == runs.height:
        return runs["key_event"].alias("key")
    head = ~runs.select(_same("run")).to_series()
    inherits = ~runs["begins"].filter(head).gather(runs["run"] - 1)
    had = runs.select(pl.when(inherits).then("carried_fired").fill_null(0)).to_series()
    key = runs["key_event"]
    for bit in _bits(runs["once"]):
        has = ((runs["once"] & bit) != 0).fill_null(value=False) & ((had & bit) == 0)
        first = runs.select("run", has.alias("has")).select(pl.col("has") & (pl.col("has").cum_sum().over("run") == 1))
        key = key | first.to_series()
    return key.alias("key")


def _bits(masks: pl.Series) -> list[int]:
    used = masks.to_frame("once").select(pl.col("once").bitwise_or()).item() or 0
    return [1 << place for place in range(64) if used >> place & 1]


def _days(times: pl.Series, period: Period) -> pl.Series:
    found = pl.Series(period.starts, dtype=pl.Int64).search_sorted(times, side="right")
    return (found.cast(pl.Int32) - 1 + period.first_day).alias("day")


def _sum_parts(runs: pl.DataFrame) -> pl.DataFrame:
    """One row per part with its own sums, and on the run's first part what the run starts from."""
    first = pl.col("begins").first()
    return runs.group_by("part", maintain_order=True).agg(
        pl.col("run", "day", *THREAD).first(),
        pl.col("time").first().alias("first"),
        pl.col("time").last().alias("last"),
        pl.col("hit").first(),
        (~pl.col("follows").first() & ~first).alias("from_carry"),
        pl.col(*ATTRIBUTION).first(),
        pl.col("page_view").sum().cast(pl.Int64).alias("page_views"),
        pl.col("engagement_ms").sum().alias("engagement"),
        pl.col("key").sum().cast(pl.Int64).alias("key_events"),
        pl.col("once").bitwise_or(),
        pl.col("client_engaged").any(),
        pl.col("signals").any(),
        pl.col(*(f"carried_{name}" for name in OPEN_SESSIONS if name not in THREAD)).first(),
    )


def _judge(parts: pl.DataFrame, period: Period, limits: Limits) -> pl.DataFrame:
    """What is known of each session at the end of each of its days, and what the day adds."""
    head = ~_same("run")
    parts = _gather(_inherit(parts.with_columns(head=head)))
    before = (
        pl.when(~pl.col("head")).then(pl.col("last").shift()).when("from_carry").then("carried_last").otherwise("first")
    )
    more = pl.col("run").eq_missing(pl.col("run").shift(-1))
    return parts.with_columns(
        duration_ms=pl.col("last") - before,
        engaged=_engaged(limits.engaged_ms),
        open=~more & (pl.col("last") + gap_limit(limits.timeout_ms) >= period.end),
    )


def _inherit(parts: pl.DataFrame) -> pl.DataFrame:
    """The facts of the run, from its first part or the carried session: its key, its start, where it came from."""
    carried = pl.col("from_carry")
    attribution = [
        pl.when(carried).then(f"carried_session_{name}").otherwise(name).alias(f"session_{name}")
        for name in ATTRIBUTION
    ]
    heads = parts.filter("head")
    facts = heads.select(
        pl.when(carried).then("carried_session").otherwise(_session_keys(heads)).alias("session"),
        pl.when(carried).then("carried_start").otherwise("first").alias("start"),
        *attribution,
        _either(pl.when(carried).then("carried_fired"), pl.lit(_once_by_run(parts))).alias("fired"),
    )
    return parts.hstack(facts[parts["run"] - 1])


def _once_by_run(parts: pl.DataFrame) -> pl.Series:
    return parts.group_by("run", maintain_order=True).agg(pl.col("once").bitwise_or())["once"]


def _either(first: pl.Expr, second: pl.Expr) -> pl.Expr:
    """The bits of both; null where there is none."""
    bits = first.fill_null(0) | second.fill_null(0)
    return pl.when(bits != 0).then(bits)


def _gather(parts: pl.DataFrame) -> pl.DataFrame:
    """Turns each part's own sums and flags into those from the session's beginning to the end of the part.

    Running totals over the whole frame, less what they were where the run began: a window per run would cost twenty
    times as much.
    """
    own = parts.select(pl.col(name).cast(pl.Int64) for name in SESSION_TOTALS)
    totals = own.select(pl.all().cum_sum())
    at_head = parts.select("head").hstack(totals - own).filter("head").drop("head")
    carried = parts.filter("head").select(
        pl.when("from_carry").then(pl.col(f"carried_{name}").cast(pl.Int64)).otherwise(0).alias(name)
        for name in SESSION_TOTALS
    )
    gathered = totals - (at_head - carried)[parts["run"] - 1]
    return parts.with_columns(
        gathered.select(
            (pl.col(name) > 0 if kind == pl.Boolean() else pl.col(name)) for name, kind in SESSION_TOTALS.items()
        )
    )


def _engaged(engaged_ms: int) -> pl.Expr:
    span = pl.when("signals").then("engagement").otherwise(pl.col("last") - pl.col("start"))
    return (span > engaged_ms) | (pl.col("page_views") >= 2) | (pl.col("key_events") > 0) | pl.col("client_engaged")


def _active() -> pl.Expr:
    page_view_alone = ~pl.col("signals") & pl.col("page_view")
    return pl.col("engaged") | (pl.col("engagement_ms") > 0) | pl.col("first_visit") | page_view_alone


def _session_keys(heads: pl.DataFrame) -> pl.Series:
    """Keys of the sessions' first events: the same however the rows arrived.

    Fixed arithmetic, since they are stored and compared.
    """
    by_time = _mix(heads["visitor"] ^ _mix(heads["first"].cast(pl.UInt64)))
    return _mix(by_time ^ heads["hit"]).alias("session_key")


def _mix(values: pl.Series) -> pl.Series:
    """The finaliser of MurmurHash3: a bijection of 64-bit numbers that spreads every bit.

    Step by step, since as one expression the tree would double with each step.
    """
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        values = (values ^ (values // 2**33)) * pl.Series([factor], dtype=pl.UInt64)
    return values ^ (values // 2**33)
