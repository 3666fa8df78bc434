"""Hit tests: takes a pasted or a received hit through the steps and rules, and says what each of them does to it."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

import polars as pl
from django.conf import settings

from configuration.clock import now
from configuration.models import Property
from configuration.ruleset.ruleset import Ruleset
from processing.dry_run.pasted_hit import UnreadablePaste, read_pasted
from processing.ingest.geoip import GeoDatabase, open_geo_database
from processing.pipeline.trace import EventTrace, StepTrace, trace
from processing.positions import offset_of
from processing.schema import FACTS, RAW
from processing.segments.process_raw import without_erased
from processing.segments.raw_parts import read_hit
from processing.segments.read_view import ReadView
from reporting.read_access import view_cache, view_of
from reporting.registry.reject_reasons import MEANINGS

RECENT_HITS: Final = 10
RECENT_DAYS: Final = 7
MEASUREMENT_ID: Final = "(?:^|&)tid=([^&]*)"
JSON_FACTS: Final = (*FACTS, "address", "user_agent")


class NoSuchHit(LookupError):
    """The hit was never received, or is no longer kept."""


class RecentHit(NamedTuple):
    """A hit that can be tested; `reason` is empty if it is counted."""

    position: int
    time: int  # ms
    reason: str
    content: str  # hostile text


class HitTest(NamedTuple):
    """What became of each event of a hit."""

    events: list[EventTrace]

    @property
    def counted(self) -> bool:
        return any(event.refused is None for event in self.events)

    @property
    def verdict(self) -> str:
        """One sentence; it holds text of the hit and of rules."""
        rejected = [event for event in self.events if event.refused]
        if not self.counted:
            return f"This hit is not counted: {_describe_reason(rejected[0])}"
        counted = ", ".join(_describe_event(event) for event in self.events if event.refused is None)
        left_out = f" Left out: {'; '.join(_describe_reason(event) for event in rejected)}" if rejected else ""
        return f"This hit is counted: {counted}.{left_out}"


def evaluate_pasted_hit(property: Property, text: str, rules: Ruleset, user_agent: str, address: str) -> HitTest:
    """Raises UnreadablePaste, also for a hit of another property."""
    rows = read_pasted(
        text, property.receive_settings(), _geo_database(), user_agent=user_agent, address=address, now=now()
    )
    measurement_ids = rows["rest"].str.extract(MEASUREMENT_ID).drop_nulls()
    if (measurement_ids != property.measurement_id).any():
        raise UnreadablePaste(
            f"This hit is another property's: its measurement id (tid) is not {property.measurement_id}."
        )
    return HitTest(trace(rows, rules))


def evaluate_received_hit(property: int, position: int, rules: Ruleset) -> HitTest:
    """Raises NoSuchHit, and what ViewCache.view raises."""
    rows = _raw_rows(view_of(property), position)
    if rows.is_empty():
        raise NoSuchHit("This hit is no longer kept, or was never received. Choose a later one, or paste it.")
    return HitTest(trace(rows.sort("index"), rules))


def recent_hits(view: ReadView, today: date) -> tuple[list[RecentHit], list[RecentHit]]:
    """Returns the latest counted hits and the latest rejected hits of the last days."""
    first = today - timedelta(days=RECENT_DAYS - 1)
    events = view.events(first, today, ["position", "time", "event", "host", "path"])
    # A hit may have several events: some more events than hits are taken, and one of each hit is kept.
    latest = events.top_k(RECENT_HITS * 4, by=["time", "position"]).unique("position", keep="first")
    counted = latest.sort("time", "position", descending=True).head(RECENT_HITS)
    rejected = view.with_content(view.rejected(first, today).top_k(RECENT_HITS, by=["time", "position"]))
    return (
        [
            RecentHit(position, time, "", f"{event or ''} {host or ''}{path or ''}".strip())
            for position, time, event, host, path in counted.iter_rows()
        ],
        [
            RecentHit(position, time, reason, content or "")
            for position, time, reason, content in rejected.select("position", "time", "reason", "content").iter_rows()
        ],
    )


def hit_test_as_json(test: HitTest) -> dict[str, Any]:
    """As plain values of JSON."""
    return {
        "counted": test.counted,
        "verdict": test.verdict,
        "events": [
            {
                "event": event.event,
                "refused": event.refused,
                "steps": [_step_as_json(step) for step in event.steps],
                "facts": {name: event.facts.get(name) for name in JSON_FACTS},
            }
            for event in test.events
        ],
    }


def _step_as_json(step: StepTrace) -> dict[str, Any]:
    rules = [
        {**rule._asdict(), "acts": rule.acts, "changes": [change._asdict() for change in rule.changes]}
        for rule in step.rules
    ]
    return {**step._asdict(), "changes": [change._asdict() for change in step.changes], "rules": rules}


def _describe_reason(event: EventTrace) -> str:
    """Returns a text such as `filter by the rule “Office”. A filter of the property excludes it.`"""
    reason, rule = event.refused or "", event.facts.get("rule")
    by = f" by the rule “{rule}”" if rule else ""
    return f"{reason}{by}. {MEANINGS.get(reason, '')}".strip()


def _describe_event(event: EventTrace) -> str:
    """Returns a text such as `purchase on shop.example/cart, a key event`."""
    facts = event.facts
    page = f" on {facts['host'] or ''}{facts['path'] or ''}" if facts.get("path") else ""
    key = ", a key event" if facts.get("key_event") or facts.get("once") else ""
    return f"{facts.get('event') or '(not set)'}{page}{key}"


def _raw_rows(view: ReadView, position: int) -> pl.DataFrame:
    """Returns all events of the hit, as it was received: from the blocks of the tail, else from the newest raw part."""
    store, is_hit = view_cache().store, pl.col("position") == position
    # Blocks of other logs may have the same offsets; their rows have other positions.
    keys = [block.key for block in view.tail.blocks if block.key.first <= offset_of(position) <= block.key.last]
    rows = store.rows(keys, view.property).filter(is_hit) if keys else pl.DataFrame()
    if rows.is_empty():
        newest_first = sorted(view.sealed.manifest.raw, key=lambda part: -part.last_received_us)
        found = (read_hit(store, part, position) for part in newest_first)
        rows = next((hit for hit in found if not hit.is_empty()), pl.DataFrame(schema=RAW))
    return without_erased(rows, view.sealed.manifest.tombstones)


@lru_cache(maxsize=1)
def _geo_database() -> GeoDatabase:
    return open_geo_database(settings.PLACES)
