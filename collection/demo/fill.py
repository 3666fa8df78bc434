"""Fills the demo property once. An interrupted call is continued by the next."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from collection.collector.app import Collector
from collection.demo.traffic import HITS_PER_VISIT, DemoRequest, DemoTraffic
from collection.log import Log, LogUnavailable

BATCH: Final = 8_000  # fewer than a collector lets wait
ACCEPTED: Final = 204


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


class _TimeOfSending:
    """The collector's clock (µs): each hit is sent when the visitor sends it."""

    def __init__(self) -> None:
        self.now_us = 0

    def __call__(self) -> int:
        return self.now_us


def fill(plan: FillPlan, path: Path, log: Log) -> int:
    """Sends the remaining hits of the plan through a collector of its own, saving the progress. Returns their number.

    A batch whose progress was not saved is sent again with the same ids, which processing counts once.
    Raises LogUnavailable.
    """
    return asyncio.run(_fill(plan, path, log))


async def _fill(plan: FillPlan, path: Path, log: Log) -> int:
    now = datetime.fromtimestamp(plan.now_ms / 1000, ZoneInfo(plan.zone))
    traffic = DemoTraffic(plan.measurement_id, now, plan.seed)
    before, clock = plan.sent, _TimeOfSending()
    remaining = islice(traffic.requests(plan.days, plan.hits / plan.days / HITS_PER_VISIT), before, None)
    collector = Collector(log, clock)
    collector.start(asyncio.get_running_loop())
    try:
        while batch := list(islice(remaining, BATCH)):
            await _send(batch, collector, clock)
            plan.sent += len(batch)
            write_plan(path, plan)
    finally:
        collector.close()
    plan.finished = True
    write_plan(path, plan)
    return plan.sent - before


async def _send(batch: Sequence[DemoRequest], collector: Collector, clock: _TimeOfSending) -> None:
    """Sends hits at once, so that they become durable together. Raises LogUnavailable."""

    async def send(request: DemoRequest) -> int:
        clock.now_us = request.at * 1000  # the collector reads its clock before it waits for anything
        return (await collector.answer(request)).status

    statuses = await asyncio.gather(*map(send, batch))
    if set(statuses) != {ACCEPTED}:
        raise LogUnavailable("The demo's hits were not accepted")
