"""Raw rows and rules become events and rejected rows: the list of steps, and what becomes of a hit after them."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.custom_values import METRIC, without
from processing.pipeline.escaping import escape
from processing.pipeline.lookups.lists import lists_version
from processing.pipeline.steps.access import access
from processing.pipeline.steps.activity import activity
from processing.pipeline.steps.bots import bots
from processing.pipeline.steps.channel_groups import channel_groups
from processing.pipeline.steps.content_groups import content_groups
from processing.pipeline.steps.custom import custom
from processing.pipeline.steps.device import device
from processing.pipeline.steps.filters import filters
from processing.pipeline.steps.internal import internal
from processing.pipeline.steps.key_events import key_events
from processing.pipeline.steps.page import page
from processing.pipeline.steps.place import place
from processing.pipeline.steps.rewrite import rewrite
from processing.pipeline.steps.source import source
from processing.pipeline.steps.spam import spam
from processing.pipeline.steps.validate import validate
from processing.schema import EVENTS, PARAMETERS, REJECTED, conform, empty

__all__ = ["STEPS", "Processed", "Step", "lists_version", "process"]

StepFunction: TypeAlias = Callable[[pl.DataFrame, Ruleset], pl.DataFrame]


class Step(NamedTuple):
    name: str
    function: StepFunction
    reason: str


# A row that a step gives a `reason` goes no further, so the first reason wins.
STEPS: Final[tuple[Step, ...]] = (
    Step("validate", validate, "what cannot be read, or belongs to nobody, must not be guessed at"),
    Step("access", access, "a server logs every request, and only some are a person opening a page"),
    Step("bots", bots, "programs are not visitors"),
    Step("spam", spam, "some visits are made up so that their referrer is looked at"),
    Step("internal", internal, "the owner's own people are not visitors"),
    Step("activity", activity, "what happened and how engaged the client was decide most figures"),
    Step("page", page, "reports name pages by host and path, not by address with parameters"),
    Step("source", source, "owners ask first where their visitors come from; own pages do not count"),
    Step("device", device, "category, browser and system are what a user agent is read for"),
    Step("place", place, "people read names, not codes"),
    Step("rewrite", rewrite, "one thing may come under several names; what follows sees the name that is meant"),
    Step("content_groups", content_groups, "owners think of sections, not of pages; filters may ask for them"),
    Step("filters", filters, "the owner decides what is worth counting"),
    Step("channel_groups", channel_groups, "owners sort sources by their own lights, too"),
    Step("key_events", key_events, "owners know what the site is for"),
    Step("custom", custom, "owners report by parameters that are their own"),
)


class Processed(NamedTuple):
    """`events` has schema.EVENTS, `rejected` schema.REJECTED with one row for a hit none of whose events counts;
    `dropped` has the times (ms) of refused events of hits that do count. The order of rows means nothing."""

    events: pl.DataFrame
    rejected: pl.DataFrame
    dropped: pl.Series


def process(raw: pl.DataFrame, rules: Ruleset) -> Processed:
    """`raw` has schema.RAW and belongs to one property. The answer depends on the arguments and the lists only, and on
    each hit alone: hits may be split over calls in any way."""
    kept, refused = _run(raw, rules)
    if refused is None:
        return Processed(_events(kept, rules), empty(REJECTED), NOTHING_DROPPED)
    lost = refused.join(kept, on="position", how="anti")
    dropped = refused.join(kept, on="position", how="semi")["time"] if lost.height < refused.height else NOTHING_DROPPED
    return Processed(_events(kept, rules), _rejected(lost), dropped)


def undecided(raw: pl.DataFrame) -> pl.DataFrame:
    """Adds what steps may decide on, as it is where none does."""
    return raw.with_columns(**UNDECIDED)


def _run(raw: pl.DataFrame, rules: Ruleset) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The rows that all steps let pass, with their facts, and the refused ones with their reason, None if none are."""
    kept = undecided(raw)
    refused: list[pl.DataFrame] = []
    for step in STEPS:
        kept = step.function(kept, rules)
        if kept["reason"].null_count() < kept.height:
            refused.append(kept.filter(pl.col("reason").is_not_null()).select(REFUSED))
            kept = kept.filter(pl.col("reason").is_null())
    return kept, pl.concat(refused) if refused else None


NO_TEXT: Final = pl.lit(None, dtype=pl.String())
UNDECIDED: Final = {
    **dict.fromkeys(("reason", "rule", "groups", "query", "custom"), NO_TEXT),
    "once": pl.lit(None, dtype=pl.UInt64()),
    "key_value": pl.lit(0, dtype=pl.Int64()),
}
NOTHING_DROPPED: Final = pl.Series("time", [], dtype=pl.Int64)
REFUSED: Final = tuple(name for name in REJECTED if name != "content") + ("index", *PARAMETERS, "rest")

# The rows that flags stand for, in the order in which they come before the hit's own events.
IMPLIED: Final = (("first_visit", "_fv"), ("session_start", "_ss"))
OF_THE_EVENT_ONLY: Final = {"page_view": False, "key_event": False, "engagement_ms": 0, "once": None, "key_value": 0}


def _events(kept: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Adds the implied events: once a hit, however many of its events carry the flag, not where it names them."""
    own = kept.select(pl.col("index") + len(IMPLIED) if name == "index" else name for name in EVENTS)
    return pl.concat([*_implied(kept, rules), own])


def _implied(kept: pl.DataFrame, rules: Ruleset) -> Iterator[pl.DataFrame]:
    """They are what the event is that implies them, but for what is its own; rules of key events may name them."""
    for index, (name, flag) in enumerate(IMPLIED):
        flagged = kept.filter(kept[flag] == "1")
        if not flagged.is_empty():
            changed = {"index": index, "event": name, "first_visit": name == "first_visit", **OF_THE_EVENT_ONLY}
            values = [pl.lit(value, dtype=EVENTS[column]).alias(column) for column, value in changed.items()]
            rows = _firsts(flagged, kept.filter(kept["event"] == name)).with_columns(*values, _without_metrics(flagged))
            yield key_events(rows, rules).select(*EVENTS)


def _without_metrics(flagged: pl.DataFrame) -> pl.Expr:
    """So that they are not summed twice."""
    return pl.col("custom") if flagged["custom"].null_count() == flagged.height else without("custom", METRIC)


def _firsts(flagged: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """The first flagged event of each hit that is not among `named`; most hits have one event and need no work."""
    lacking = flagged if named.is_empty() else flagged.join(named, on="position", how="anti")
    if lacking["position"].n_unique() == lacking.height:
        return lacking
    return lacking.sort("position", "index").unique("position", keep="first")


def _rejected(lost: pl.DataFrame) -> pl.DataFrame:
    """One row a hit: that of its first event; the content holds all its events, one a line."""
    rows = lost.with_columns(content=_content(lost)).sort("position", "index")
    hits = rows.group_by("position", maintain_order=True)
    firsts = pl.all().exclude("position", "content").first()
    return conform(hits.agg(firsts, pl.col("content").str.join("\n")), REJECTED)


def _content(lost: pl.DataFrame) -> pl.Expr:
    present = [name for name in PARAMETERS if lost[name].null_count() < lost.height]
    escaped = _escaped([lost[name] for name in present])
    pairs = [pl.lit(f"{name}=") + value for name, value in zip(present, escaped, strict=True)]
    rest = pl.when(pl.col("rest").ne("")).then("rest")
    return pl.concat_str(*pairs, rest, separator="&", ignore_nulls=True)


def _escaped(columns: list[pl.Series]) -> list[pl.Series]:
    """All columns in one go, since the search for the marks is dear to set up."""
    if not columns:
        return []
    height = columns[0].len()
    text = pl.concat([column.alias("text") for column in columns])
    safe = text.to_frame().select(escape(pl.col("text"))).to_series()
    return [safe.slice(start, height) for start in range(0, safe.len(), height)]
