"""A hit on trial: pasted, or one that was received, taken through the steps and rules to see what becomes of it."""

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
from processing.schema import FACTS
from processing.segments.process_raw import without_erased
from processing.segments.raw_parts import parts_with, read_raw
from processing.segments.read_view import ReadView
from processing.store.port import BlockKey
from reporting.read_access import view_cache, view_of
from reporting.registry.reject_reasons import MEANINGS

PICKS: Final = 10
PICK_DAYS: Final = 7
NAMED: Final = "(?:^|&)tid=([^&]*)"
SHOWN: Final = (*FACTS, "address", "user_agent")


class NoSuchHit(LookupError):
    """It was never received, or is no longer kept."""


class RecentHit(NamedTuple):
    """A hit that can be put on trial; `reason` is empty where it is counted."""

    position: int
    time: int  # ms
    reason: str
    content: str  # hostile text


class HitTest(NamedTuple):
    events: list[EventTrace]

    @property
    def counted(self) -> bool:
        return any(event.refused is None for event in self.events)

    @property
    def verdict(self) -> str:
        """In one sentence; it holds text of the hit and of rules."""
        refused = [event for event in self.events if event.refused]
        if not self.counted:
            return f"This hit is not counted: {_why(refused[0])}"
        said = ", ".join(_named(event) for event in self.events if event.refused is None)
        left_out = f" Left out: {'; '.join(_why(event) for event in refused)}" if refused else ""
        return f"This hit is counted: {said}.{left_out}"


def evaluate_pasted_hit(property: Property, text: str, rules: Ruleset, user_agent: str, address: str) -> HitTest:
    """Raises NotAHit."""
    rows = read_pasted(text, property.receive_settings(), _places(), user_agent=user_agent, address=address, now=now())
    named = rows["rest"].str.extract(NAMED).drop_nulls()
    if (named != property.measurement_id).any():
        raise UnreadablePaste(
            f"This hit belongs elsewhere: its tid, the measurement id, is not {property.measurement_id}."
        )
    return HitTest(trace(rows, rules))


def evaluate_received_hit(property: int, position: int, rules: Ruleset) -> HitTest:
    """Raises NoSuchHit, and what Reader.view raises."""
    rows = _raw_rows(view_of(property), position)
    if rows.is_empty():
        raise NoSuchHit("This hit is no longer kept, or never was. Choose a later one, or paste it.")
    return HitTest(trace(rows.sort("index"), rules))


def recent_hits(view: ReadView, today: date) -> tuple[list[RecentHit], list[RecentHit]]:
    """The latest hits of the last days that are counted, and those that are not."""
    first = today - timedelta(days=PICK_DAYS - 1)
    events = view.events(first, today, ["position", "time", "event", "host", "path"])
    latest = events.top_k(PICKS * 4, by=["time", "position"]).unique("position", keep="first", maintain_order=True)
    rejected = view.rejected(first, today).top_k(PICKS, by=["time", "position"])
    return (
        [
            RecentHit(position, time, "", f"{event or ''} {host or ''}{path or ''}".strip())
            for position, time, event, host, path in latest.sort("time", "position", descending=True)
            .head(PICKS)
            .iter_rows()
        ],
        [
            RecentHit(position, time, reason, content or "")
            for position, time, reason, content in rejected.select("position", "time", "reason", "content").iter_rows()
        ],
    )


def hit_test_as_json(trial: HitTest) -> dict[str, Any]:
    """The trial as JSON has it."""
    return {
        "counted": trial.counted,
        "verdict": trial.verdict,
        "events": [
            {
                "event": event.event,
                "refused": event.refused,
                "steps": [_plain_step(step) for step in event.steps],
                "facts": {name: event.facts.get(name) for name in SHOWN},
            }
            for event in trial.events
        ],
    }


def _plain_step(step: StepTrace) -> dict[str, Any]:
    rules = [
        {**rule._asdict(), "acts": rule.acts, "changes": [each._asdict() for each in rule.changes]}
        for rule in step.rules
    ]
    return {**step._asdict(), "changes": [each._asdict() for each in step.changes], "rules": rules}


def _why(event: EventTrace) -> str:
    reason = event.refused or ""
    rule = event.facts.get("rule")
    by = f" by the rule “{rule}”" if rule else ""
    meaning = MEANINGS.get(reason, "")
    return f"{reason}{by}. {meaning}".strip() if meaning else f"{reason}{by}."


def _named(event: EventTrace) -> str:
    facts = event.facts
    page = f" on {facts['host'] or ''}{facts['path'] or ''}" if facts.get("path") else ""
    key = ", a key event" if facts.get("key_event") or facts.get("once") else ""
    return f"{facts.get('event') or '(not set)'}{page}{key}"


def _raw_rows(view: ReadView, position: int) -> pl.DataFrame:
    """All events of the hit, as it was received."""
    store, wanted = view_cache().store, pl.col("position") == position
    keys = [block.key for block in view.tail.blocks if _may_hold(block.key, position)]
    found = [store.rows(keys, view.property).filter(wanted)] if keys else []
    newest = sorted(view.sealed.book.raw, key=lambda part: -part.last_received_us)
    for part in newest if not found or found[0].is_empty() else []:
        if parts_with(store, [part], wanted):
            found.append(read_raw(store, part).filter(wanted))
            break
    rows = pl.concat(found) if found else pl.DataFrame(schema={"index": pl.UInt16()})
    return without_erased(rows, view.sealed.book.erased) if found else rows


def _may_hold(key: BlockKey, position: int) -> bool:
    """Blocks of other logs may have the same offsets; their rows have other positions."""
    return key.first <= offset_of(position) <= key.last


@lru_cache(maxsize=1)
def _places() -> GeoDatabase:
    return open_geo_database(settings.PLACES)
