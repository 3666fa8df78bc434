"""The columns of every data frame between a raw hit and a report.

Times are UTC: `*_us` in microseconds, all others in milliseconds. Each column is one line, here or in columns/, and
everything else is derived from its flags: which rows have it, what stands for it in rows that were stored before it was
added, and whether condensed rows keep it. The order of columns is part of the stored format: add new ones at the end of
their table.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias, get_args

import polars as pl

from processing.columns.column import Column, Steady, Summed
from processing.columns.facts import FACT_COLUMNS
from processing.columns.items import ITEM_COLUMNS, ITEM_FACT_COLUMNS

Schema: TypeAlias = dict[str, pl.DataType]

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
NO_VISITOR: Final = 0  # of entries that are not hits

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


# Where an event comes from.
IDENTITY_COLUMNS: Final = (
    Column("position", pl.UInt64()),  # orders hits across logs, see positions.py
    Column("index", pl.UInt16()),  # number of the event within its hit
    Column("time", pl.Int64()),  # event time, ms
    Column("received_us", pl.Int64()),
    Column("stable", pl.Boolean()),  # event time and id do not depend on receipt, or the id is the collector's own
    Column("visitor", pl.UInt64(), condensed=Steady(1, 2)),
    Column("hit", pl.UInt64()),
    Column("client_session", pl.UInt64()),  # null: the client named none
    Column("sequence", pl.UInt32()),  # the client's hit counter; 0: it sent none
)

# The pages of the session's first page view and of its last one, by the end of a day. They are null before the first.
LANDING: Final = ("landing_path", "landing_query")
EXIT: Final = "exit_path"

# What a session says about its events.
SESSION_COLUMNS: Final = (
    Column("session", pl.UInt64(), condensed=Steady(1, 3)),
    *(
        Column(f"session_{column.name}", column.dtype, added=column.added, condensed=column.attribution)
        for column in FACT_COLUMNS
        if column.attribution
    ),
    Column("day", pl.Int32(), condensed=Steady(1, 1)),  # local day, days since 1970-01-01
    Column("engaged", pl.Boolean(), condensed=Steady(1, 4)),  # the session, by the end of this day
    Column("active", pl.Boolean(), condensed=Steady(1, 5)),
    # it counts as a key event: `key_event`, or the first of its session with a bit of `once`
    Column("key", pl.Boolean(), added=True, fallback="key_event", condensed=Summed(1, 3, pl.UInt32())),
    # what this day adds to the session's duration, the same on each event of (session, day)
    Column("duration_ms", pl.Int64(), condensed=Steady(1, 6)),
    *(
        Column(name, pl.String(), added=True, condensed=Steady(2, place))
        for place, name in enumerate((*LANDING, EXIT), 23)
    ),
    # the session's first page view, and its last one of this day
    Column("entrance", pl.Boolean(), added=True, condensed=Summed(2, 1, pl.UInt32())),
    Column("last_view", pl.Boolean(), added=True, condensed=Summed(2, 2, pl.UInt32())),
)

# Hits that were accepted but are not counted.
REJECTED_COLUMNS: Final = (
    Column("position", pl.UInt64()),
    Column("time", pl.Int64()),
    Column("received_us", pl.Int64()),
    Column("stable", pl.Boolean()),
    Column("visitor", pl.UInt64()),
    Column("hit", pl.UInt64()),
    Column("reason", pl.String()),
    Column("rule", pl.String(), added=True),  # the name of the rule that rejected it, null where none did
    # the parameters as they were sent, urlencoded; no full address; the first LONGEST_CONTENT characters
    Column("content", pl.String()),
    Column("content_bytes", pl.Int64(), added=True),  # the length of the whole content; null where it is not cut
    # the page that the hit names, and the country that it came from; null where the hit could not be read
    Column("host", pl.String(), added=True),
    Column("path", pl.String(), added=True),
    Column("country", pl.String(), added=True),  # English name
    Column("bot_name", pl.String(), added=True),  # of the program, by its user agent; null: a browser, or unknown
    Column("bot_category", pl.String(), added=True),  # one of lookups.robots.CATEGORIES; null: a browser
)
LONGEST_CONTENT: Final = 2_048  # the raw hit has it all, as long as raw hits are kept
CONTENT: Final = ("content", "content_bytes")  # read for single hits only
# An earlier hit has the same id, so that the reason to show is "duplicate", whatever a rule said.
AGAIN_COLUMN: Final = Column("again", pl.Boolean())

# What a session has gathered from its start to the end of one of its days.
TOTAL_COLUMNS: Final = (
    Column("page_views", pl.Int64()),
    Column("engagement", pl.Int64()),
    Column("key_events", pl.Int64()),
    Column("client_engaged", pl.Boolean()),
    Column("signals", pl.Boolean()),
)
# Sessions that may go on in the next period, as they stand at the end of this one.
OPEN_SESSION_COLUMNS: Final = (
    Column("visitor", pl.UInt64()),
    Column("client_session", pl.UInt64()),
    Column("session", pl.UInt64()),
    Column("start", pl.Int64()),
    Column("last", pl.Int64()),
    *(
        Column(f"session_{column.name}", column.dtype, added=column.added)
        for column in FACT_COLUMNS
        if column.attribution
    ),
    *TOTAL_COLUMNS,
    Column("fired", pl.UInt64(), added=True),  # the bits of `once` that the session has had; null: none
    *(Column(name, pl.String(), added=True) for name in (*LANDING, EXIT)),
)

BUILT_COLUMNS: Final = (*IDENTITY_COLUMNS, *FACT_COLUMNS, *SESSION_COLUMNS)
# The columns that some stored rows lack, by name.
ADDED_COLUMNS: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (*BUILT_COLUMNS, *REJECTED_COLUMNS, AGAIN_COLUMN, *OPEN_SESSION_COLUMNS)
    if column.added
}


# About how many bytes of memory an item takes while its event is processed: each fact has a column, and few say much.
ITEM_BYTES: Final = 1_000


def schema_of(columns: Iterable[Column]) -> Schema:
    return {column.name: column.dtype for column in columns}


IDENTITY: Final = schema_of(IDENTITY_COLUMNS)
FACTS: Final = schema_of(FACT_COLUMNS)
EVENTS: Final[Schema] = {**IDENTITY, **FACTS}  # the steps' result
SESSION_FACTS: Final = schema_of(SESSION_COLUMNS)
BUILT: Final[Schema] = {**EVENTS, **SESSION_FACTS}  # the result of sessionizing
ATTRIBUTION: Final = tuple(column.name for column in FACT_COLUMNS if column.attribution)
ITEM_FACTS: Final = schema_of(ITEM_FACT_COLUMNS)
ITEMS: Final = schema_of(ITEM_COLUMNS)
REJECTED: Final = schema_of(REJECTED_COLUMNS)
LISTED: Final = schema_of(column for column in REJECTED_COLUMNS if column.name not in CONTENT)
REFUSED: Final = schema_of((*REJECTED_COLUMNS, AGAIN_COLUMN))
SESSION_TOTALS: Final = schema_of(TOTAL_COLUMNS)
OPEN_SESSIONS: Final = schema_of(OPEN_SESSION_COLUMNS)
# Ids whose time depends on receipt: a re-send may come to lie in a later period.
OPEN_IDS: Final[Schema] = {"visitor": pl.UInt64(), "hit": pl.UInt64(), "time": pl.Int64()}

# Parameters with a column of their own in RAW rows; every other parameter stays, urlencoded, in `rest`.
PARAMETERS: Final = (
    "en",  # name of the event
    "dl",  # address of the page
    "dr",  # referrer
    "dt",  # title of the page
    "dh",  # host of the page, sent on its own
    "dp",  # path of the page, sent on its own
    "ul",  # language of the browser
    "sr",  # size of the screen
    "cid",  # client id
    "uid",  # user id
    "sid",  # client's session id
    "sct",  # number of the session of this client
    "seg",  # the client says that the session is engaged
    "_s",  # number of the hit in the session
    "_p",  # id of the page load
    "_et",  # engagement time, ms
    "_ss",  # a session starts
    "_fv",  # first visit
    "_nsi",  # new session id; our tracker sends it if the browser had no client id
    "_c",  # key event ("conversion")
    "cs",  # campaign's source
    "cm",  # ... medium
    "cn",  # ... name
    "cc",  # ... content
    "ck",  # ... keyword
    "ci",  # ... id
    "gclid",  # click id of Google Ads
    "dclid",  # click id of Google's display network
    "cu",  # currency
    "tt",  # type of traffic, such as "internal"
    "ir",  # ignore the referrer
    "uaa",  # client hints: architecture
    "uab",  # ... bitness
    "uafvl",  # ... brands with full versions
    "uamb",  # ... mobile
    "uam",  # ... model
    "uap",  # ... platform
    "uapv",  # ... version of the platform
    "uaw",  # ... 32-bit browser on 64-bit Windows
    "method",  # access logs: of the request
    "status",  # ... code of the response
    "target",  # ... of the request
    "size",  # ... of the response, bytes
)

# One row per event of a hit, as `receive` makes it. RAW rows never change.
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


def empty(schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Returns the columns of the schema, in its order and types; a column that the frame lacks is null."""
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
