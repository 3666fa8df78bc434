"""Filling the demo property once, however often and wherever it is broken off."""

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from collection.demo.traffic import HITS_PER_VISIT, DemoTraffic
from collection.hit import encode
from collection.log.port import Log

BATCH: Final = 8_000


class FillPlan(msgspec.Struct):
    """What the demo property is filled with. `now_ms` is when it was begun, `sent` how many hits are in the log."""

    property: int
    measurement_id: str
    zone: str
    now_ms: int
    days: int
    hits: int
    seed: int
    sent: int = 0
    finished: bool = False


def read_plan(path: Path) -> FillPlan | None:
    """The plan of an earlier call, None before any."""
    return msgspec.json.decode(path.read_bytes(), type=FillPlan) if path.exists() else None


def write_plan(path: Path, plan: FillPlan) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(plan))
    draft.replace(path)


def fill(plan: FillPlan, path: Path, log: Log, received_us: int) -> int:
    """Sends what the plan still lacks, and notes how far it came. Returns the number of hits. Raises LogUnavailable."""
    zone = ZoneInfo(plan.zone)
    traffic = DemoTraffic(
        plan.property, plan.measurement_id, datetime.fromtimestamp(plan.now_ms / 1000, zone), plan.seed
    )
    hits = traffic.hits(plan.days, plan.hits / plan.days / HITS_PER_VISIT, received_us)
    before = plan.sent
    left = islice(hits, before, None)
    while batch := list(islice(left, BATCH)):
        log.append([(hit.address.encode(), encode(hit)) for hit in batch])
        plan.sent += len(batch)
        write_plan(path, plan)
    plan.finished = True
    write_plan(path, plan)
    return plan.sent - before
