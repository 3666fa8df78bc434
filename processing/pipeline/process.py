"""Raw rows and rules become events and rejected rows: the list of steps, and what becomes of a hit after them."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from configuration.ruleset.ruleset import Ruleset
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
from processing.pipeline.steps.implied_events import implied_events
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
    Step("custom", custom, "owners report by parameters that are their own"),
    Step(
        "implied_events", implied_events, "a client tells of a first visit or a new session by a flag on another event"
    ),
    Step("key_events", key_events, "owners know what the site is for; implied events may be key events, too"),
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
        return Processed(kept.select(*EVENTS), empty(REJECTED), NOTHING_DROPPED)
    lost = refused.join(kept, on="position", how="anti")
    dropped = refused.join(kept, on="position", how="semi")["time"] if lost.height < refused.height else NOTHING_DROPPED
    return Processed(kept.select(*EVENTS), _rejected(lost), dropped)


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
