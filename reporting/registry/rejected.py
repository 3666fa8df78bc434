"""The dimensions and metrics of rejected hits. Times, page and country are those of events, read from the hit."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final, TypeVar

from processing.schema import LISTED
from reporting.model.report import unknown
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import Dimension, of_column
from reporting.registry.measures import EVENTS, VISITORS
from reporting.registry.metrics.model import Metric, count

_Entry = TypeVar("_Entry", Dimension, Metric)
_COLUMNS: Final = {*LISTED, "day"}
_hit: Final = partial(of_column, category="Rejected hit")


def _by_name(entries: Iterable[_Entry]) -> Mapping[str, _Entry]:
    return {entry.name: entry for entry in entries}


REJECTED_DIMENSIONS: Final = _by_name(
    (
        _hit(
            "reason",
            "Reason",
            definition="Why the hit does not count, such as bot or duplicate: the first reason that was found. A hit"
            " that was sent again is a duplicate, whatever the reason of the first one was.",
            column="reason",
            example="bot",
        ),
        _hit(
            "rule",
            "Rule",
            definition="The name of your rule that rejected the hit.",
            column="rule",
            example="Our office",
        ),
        _hit(
            "botName",
            "Bot name",
            definition="The program that sent the hit, by its user agent, such as Googlebot or GPTBot.",
            column="bot_name",
            example="GPTBot",
        ),
        _hit(
            "botCategory",
            "Bot category",
            definition="What kind of program sent the hit: search engine, AI crawler (gathers pages), AI assistant"
            " (fetches a page that a person asks about), monitor, SEO tool, feed reader, social preview, archiver,"
            " library, security scanner, headless browser or other.",
            column="bot_category",
            example="AI crawler",
        ),
        *(dimension for dimension in DIMENSIONS.values() if set(dimension.columns) <= _COLUMNS),
    )
)
REJECTED_METRICS: Final = _by_name(
    (
        count(
            name="rejectedHits",
            label="Rejected hits",
            category="Event",
            definition="The number of hits that were accepted but not counted.",
            measure=EVENTS,
            example="250: 250 hits were not counted",
        ),
        count(
            name="rejectedVisitors",
            label="Rejected visitors",
            category="User",
            definition="Distinct visitors that sent these hits. A program that changes its address or its user agent is"
            " several; all lines of access logs that name no address are one.",
            measure=VISITORS,
            example="12: twelve programs or visitors sent them",
        ),
    )
)


def find_rejected(what: str, name: str, entries: Mapping[str, _Entry]) -> _Entry:
    """Raises ReportError for a name that rejected hits do not have."""
    found = entries.get(name)
    if found is None:
        raise unknown(f"{what} of rejected hits", name, entries, advice=f"They have: {', '.join(entries)}.")
    return found
