"""Processes raw rows under rules into events and rejected hits, by a list of steps."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import polars as pl

from configuration.ruleset.ruleset import Ruleset
from processing.pipeline.escaping import escape
from processing.pipeline.lookups.lists import lists_version
from processing.pipeline.rejected_facts import describe
from processing.pipeline.steps.access import access
from processing.pipeline.steps.activity import activity
from processing.pipeline.steps.bots import bots
from processing.pipeline.steps.campaign import campaign
from processing.pipeline.steps.channel_groups import channel_groups
from processing.pipeline.steps.client import client
from processing.pipeline.steps.commerce import COMMERCE, commerce, items_of
from processing.pipeline.steps.content_groups import content_groups
from processing.pipeline.steps.custom import custom
from processing.pipeline.steps.device import device
from processing.pipeline.steps.filters import filters
from processing.pipeline.steps.implied_events import implied_events
from processing.pipeline.steps.interactions import interactions
from processing.pipeline.steps.internal import internal
from processing.pipeline.steps.key_events import key_events
from processing.pipeline.steps.measurements import MEASUREMENTS, measurements
from processing.pipeline.steps.page import page
from processing.pipeline.steps.place import place
from processing.pipeline.steps.rewrite import rewrite
from processing.pipeline.steps.source import source
from processing.pipeline.steps.spam import spam
from processing.pipeline.steps.validate import validate
from processing.schema import EVENTS, LISTED, LONGEST_CONTENT, PARAMETERS, REJECTED, conform, empty

__all__ = ["STEPS", "Processed", "Step", "lists_version", "process"]

StepFunction: TypeAlias = Callable[[pl.DataFrame, Ruleset], pl.DataFrame]


class Step(NamedTuple):
    """One step of the list. `reason` says why the step exists; why a hit is rejected is a `schema.Reason`."""

    name: str
    function: StepFunction
    reason: str


# All that happens to a row, in order. A row that a step gives a `reason` goes no further, so the first reason wins.
STEPS: Final[tuple[Step, ...]] = (
    Step(
        "validate", validate, "a hit that cannot be read, or that belongs to no known property, must not be guessed at"
    ),
    Step("access", access, "a server logs every request, and only some of them are a person opening a page"),
    Step("bots", bots, "programs are not visitors"),
    Step("spam", spam, "some visits are made up, so that someone looks at their referrer"),
    Step("internal", internal, "the owner's own people are not visitors"),
    Step("activity", activity, "most figures depend on what happened, and on how engaged the client was"),
    Step("page", page, "reports name pages by host and path, not by address with parameters"),
    Step("source", source, "owners want to know where their visitors come from; their own pages do not count"),
    Step("campaign", campaign, "owners tell the advertisements of a campaign apart"),
    Step("interactions", interactions, "links, files, searches, forms and videos are no pages, and have names, too"),
    Step("device", device, "reports show category, browser and system instead of user agents"),
    Step("client", client, "layouts and translations are chosen by what visitors' browsers say of themselves"),
    Step("place", place, "people read names, not codes"),
    Step("rewrite", rewrite, "one thing may come under several names; later steps see the name that is meant"),
    Step("content_groups", content_groups, "owners think of sections, not of pages; filters may depend on them"),
    Step("filters", filters, "the owner decides what is worth counting"),
    Step("channel_groups", channel_groups, "owners also sort sources into channels of their own"),
    Step("custom", custom, "owners report by parameters of their own"),
    Step(
        "implied_events", implied_events, "a client tells of a first visit or a new session by a flag on another event"
    ),
    Step("key_events", key_events, "owners know what the site is for; implied events may be key events, too"),
    Step("measurements", measurements, "owners want to know how quick their pages are, and what goes wrong on them"),
    Step("commerce", commerce, "shops report on orders and their items; implied events have none"),
)


class Processed(NamedTuple):
    """`events` has schema.EVENTS. `rejected` has schema.REJECTED, with one row per rejected hit: all its events were
    rejected. `dropped` has the times (ms) of dropped events: rejected ones of hits that have other events. `items` has
    schema.ITEMS, the items of the events. The order of rows means nothing."""

    events: pl.DataFrame
    rejected: pl.DataFrame
    dropped: pl.Series
    items: pl.DataFrame


def process(raw: pl.DataFrame, rules: Ruleset) -> Processed:
    """Runs the steps. `raw` has schema.RAW and belongs to one property.

    The result of a hit depends only on that hit, the rules and the lists: hits may be split over calls in any way.
    """
    kept, rejected = _run_steps(raw, rules)
    if rejected is None:
        return Processed(kept.select(*EVENTS), empty(REJECTED), NOTHING_DROPPED, items_of(kept))
    rejected_hits = rejected.join(kept, on="position", how="anti")
    dropped = NOTHING_DROPPED
    if rejected_hits.height < rejected.height:
        dropped = rejected.join(kept, on="position", how="semi")["time"]
    return Processed(kept.select(*EVENTS), _merge_events(rejected_hits), dropped, items_of(kept))


def add_undecided_columns(raw: pl.DataFrame) -> pl.DataFrame:
    """Adds the columns that steps may fill, as they are if no step does."""
    return raw.with_columns(**UNDECIDED)


def _run_steps(raw: pl.DataFrame, rules: Ruleset) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Returns the rows that pass all steps, with their facts, and the rejected rows with their reason, None if none."""
    kept = add_undecided_columns(raw)
    rejected: list[pl.DataFrame] = []
    for step in STEPS:
        kept = step.function(kept, rules)
        if kept["reason"].null_count() < kept.height:
            refused = describe(kept.filter(pl.col("reason").is_not_null()), rules)
            rejected.append(refused.select(COLUMNS_TO_MERGE))
            kept = kept.filter(pl.col("reason").is_null())
    return kept, pl.concat(rejected) if rejected else None


NO_TEXT: Final = pl.lit(None, dtype=pl.String())
UNDECIDED: Final = {
    **dict.fromkeys(("reason", "rule", "groups", "query", "custom", "campaign_details", "interaction"), NO_TEXT),
    "once": pl.lit(None, dtype=pl.UInt64()),
    "key_value": pl.lit(0, dtype=pl.Int64()),
    **{name: pl.lit(None, dtype=dtype) for name, dtype in {**COMMERCE, **MEASUREMENTS}.items()},
}
NOTHING_DROPPED: Final = pl.Series("time", [], dtype=pl.Int64)
# What `_merge_events` needs of a rejected row.
COLUMNS_TO_MERGE: Final = (*LISTED, "index", *PARAMETERS, "rest")


def _merge_events(rejected: pl.DataFrame) -> pl.DataFrame:
    """Merges the events of each hit into one row: that of its first event, with the content of all, one per line."""
    rows = rejected.with_columns(content=_content(rejected)).sort("position", "index")
    hits = rows.group_by("position", maintain_order=True)
    firsts = pl.all().exclude("position", "content").first()
    merged = hits.agg(firsts, pl.col("content").str.join("\n"))
    is_long = pl.col("content").str.len_chars() > LONGEST_CONTENT
    cut = merged.with_columns(
        pl.col("content").str.head(LONGEST_CONTENT),
        content_bytes=pl.when(is_long).then(pl.col("content").str.len_bytes()),
    )
    return conform(cut, REJECTED)


def _content(rows: pl.DataFrame) -> pl.Expr:
    present = [name for name in PARAMETERS if rows[name].null_count() < rows.height]
    escaped = _escaped([rows[name] for name in present])
    pairs = [pl.lit(f"{name}=") + value for name, value in zip(present, escaped, strict=True)]
    rest = pl.when(pl.col("rest").ne("")).then("rest")
    return pl.concat_str(*pairs, rest, separator="&", ignore_nulls=True)


def _escaped(columns: list[pl.Series]) -> list[pl.Series]:
    """Escapes all columns in one call, because the search for many texts is costly to set up."""
    if not columns:
        return []
    height = columns[0].len()
    text = pl.concat([column.alias("text") for column in columns])
    safe = text.to_frame().select(escape(pl.col("text"))).to_series()
    return [safe.slice(start, height) for start in range(0, safe.len(), height)]
