"""Fills the demo property once. An interrupted call is continued by the next."""

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
    """The stored plan of the demo hits. `now_ms`: when the first call started. `sent`: hits that are in the log."""

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
    """Returns the plan of an earlier call, None before the first."""
    return msgspec.json.decode(path.read_bytes(), type=FillPlan) if path.exists() else None


def write_plan(path: Path, plan: FillPlan) -> None:
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(plan))
    draft.replace(path)


def fill(plan: FillPlan, path: Path, log: Log, received_us: int) -> int:
    """Sends the remaining hits of the plan, saving the progress. Returns their number. Raises LogUnavailable."""
    zone = ZoneInfo(plan.zone)
    traffic = DemoTraffic(
        plan.property, plan.measurement_id, datetime.fromtimestamp(plan.now_ms / 1000, zone), plan.seed
    )
    hits = traffic.hits(plan.days, plan.hits / plan.days / HITS_PER_VISIT, received_us)
    before = plan.sent
    remaining = islice(hits, before, None)
    while batch := list(islice(remaining, BATCH)):
        log.append([(hit.address.encode(), encode(hit)) for hit in batch])
        plan.sent += len(batch)
        write_plan(path, plan)
    plan.finished = True
    write_plan(path, plan)
    return plan.sent - before
