"""The data frames of the way of a hit, column by column. Times are UTC: `*_us` in microseconds, all others in
milliseconds.

RAW rows (one per event of a hit) come out of `receive` and never change. EVENTS come out of the steps; `build` adds
SESSION_FACTS. PARTS are sessions cut by local day. REJECTED are hits that were accepted but not counted.
"""

from typing import Final, Literal, TypeAlias, get_args

import polars as pl

Schema: TypeAlias = dict[str, pl.DataType]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000

Reason = Literal[
    "malformed",
    "method",
    "status",
    "asset",
    "bot",
    "unknown property",
    "spam",
    "internal",
    "filter",
    "duplicate",
    "processing error",
]
REASONS: Final[tuple[str, ...]] = get_args(Reason)

# Where a row comes from. `position` orders hits across logs, see positions.py.
IDENTITY: Final[Schema] = {
    "position": pl.UInt64(),
    "index": pl.UInt16(),  # which event of the hit
    "time": pl.Int64(),  # event time, ms
    "received_us": pl.Int64(),
    "stable": pl.Boolean(),  # event time and id do not depend on receipt, or the id is the collector's own
    "visitor": pl.UInt64(),
    "hit": pl.UInt64(),
    "client_session": pl.UInt64(),  # null: the client named none
    "sequence": pl.UInt32(),  # the client's hit counter, 0 where there is none
}

# Parameters with a column of their own; every other parameter stays, urlencoded, in `rest`.
PARAMETERS: Final[tuple[str, ...]] = (
    *(
        "en",
        "dl",
        "dr",
        "dt",
        "dh",
        "dp",
        "ul",
        "sr",
        "cid",
        "uid",
        "sid",
        "sct",
        "seg",
        "_s",
        "_p",
        "_et",
        "_ss",
        "_fv",
        "_nsi",
        "_c",
    ),
    *("cs", "cm", "cn", "cc", "ck", "ci", "gclid", "dclid", "cu", "tt", "ir"),
    *("uaa", "uab", "uafvl", "uamb", "uam", "uap", "uapv", "uaw"),
    *("method", "status", "target", "size"),  # access logs
)

RAW: Final[Schema] = {
    **IDENTITY,
    "protocol": pl.String(),  # the name of one of PROTOCOLS, or of none that this version knows
    "error": pl.String(),  # why the hit could not be decoded, null when it could
    "address": pl.String(),  # truncated
    "country": pl.String(),  # ISO 3166 code
    "region": pl.String(),
    "city": pl.String(),
    "user_agent": pl.String(),
    **{name: pl.String() for name in PARAMETERS},
    "rest": pl.String(),
}

# What the steps find out about an event. Text is null where it is unknown; reports say "(not set)".
FACTS: Final[Schema] = {
    "event": pl.String(),
    "host": pl.String(),
    "path": pl.String(),
    "query": pl.String(),  # of the page, without tags and click ids
    "source": pl.String(),
    "medium": pl.String(),
    "campaign": pl.String(),
    "channel": pl.String(),
    "groups": pl.String(),  # channels of the owner's own groups, see custom.py
    "country": pl.String(),  # English name
    "device": pl.String(),  # desktop, mobile, tablet, smart tv
    "browser": pl.String(),
    "system": pl.String(),
    "page_view": pl.Boolean(),
    "first_visit": pl.Boolean(),
    "key_event": pl.Boolean(),
    "client_engaged": pl.Boolean(),  # the client says that its session is engaged
    "signals": pl.Boolean(),  # this source reports engagement time
    "engagement_ms": pl.Int64(),
    "once": pl.UInt64(),  # slots, as bits, of the once-a-session key events that it is; null: of none
    "key_value": pl.Int64(),  # what it is worth as a key event, millionths
    "custom": pl.String(),  # the owner's dimensions, metrics and content groups, see custom.py
}

EVENTS: Final[Schema] = {**IDENTITY, **FACTS}

# Taken from the session's first event, for all of its events; the event's own stay, since it may come to stand first.
ATTRIBUTION: Final[tuple[str, ...]] = ("source", "medium", "campaign", "channel", "groups")
SESSION_FACTS: Final[Schema] = {
    "session": pl.UInt64(),
    **{f"session_{name}": pl.String() for name in ATTRIBUTION},
    "day": pl.Int32(),  # local day, days since 1970-01-01
    "engaged": pl.Boolean(),  # the session, by the end of this day
    "active": pl.Boolean(),
    "key": pl.Boolean(),  # it counts as a key event: `key_event`, or the first of its session with a bit of `once`
    "duration_ms": pl.Int64(),  # what this day adds to the session's duration, the same on each event of (session, day)
}
BUILT: Final[Schema] = {**EVENTS, **SESSION_FACTS}

REJECTED: Final[Schema] = {
    "position": pl.UInt64(),
    "time": pl.Int64(),
    "received_us": pl.Int64(),
    "stable": pl.Boolean(),
    "visitor": pl.UInt64(),
    "hit": pl.UInt64(),
    "reason": pl.String(),
    "rule": pl.String(),  # the name of the rule that refused it, null where none did
    "content": pl.String(),  # the parameters as they were sent, urlencoded; no full address
}
# `again`: an earlier hit has the same id, so that the reason to show is "duplicate", whatever a rule said.
REFUSED: Final[Schema] = {**REJECTED, "again": pl.Boolean()}


# Columns that came later: rows that were stored before have none.
ADDED: Final = frozenset({"groups", "session_groups", "query", "once", "key_value", "custom", "key", "fired", "rule"})
KINDS: Final[Schema] = {**BUILT, **REFUSED, "fired": pl.UInt64()}
INSTEAD: Final = {"key": "key_event"}  # what stands for one of them there; for the others: null


def empty(schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The columns of the schema, in its order; a column that the frame lacks is null."""
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in schema.items())
