"""Random hits, in any order and any batches, give what the oracle says: `build` and its carry, over days and months."""

import random
from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from processing.schema import EVENTS, REJECTED, conform
from processing.sessions.layers import NO_ARRIVALS, Arrivals
from processing.sessions.local_periods import day_key, day_number, day_of, day_start, month_key
from processing.sessions.sessionize import Limits
from processing.sessions.timeline import InMemory, advance
from tests.support import oracle

Event = dict[str, Any]

MINUTE = 60_000
HOUR = 60 * MINUTE
TIMEOUT = 30 * MINUTE
# gaps at which something changes, and a millisecond to either side
EDGES = [edge + off for edge in (0, 10_000, TIMEOUT, 4 * HOUR) for off in (-1, 0, 1)]
MORE_ANCHORS = [1, -4 * HOUR, -TIMEOUT // 2, -10_000]
ZONES = {
    "Etc/UTC": date(2026, 11, 3),
    "Europe/Berlin": date(2026, 10, 24),
    "America/Sao_Paulo": date(2018, 11, 3),
    "Asia/Kolkata": date(2026, 1, 30),
}


def random_events(rnd: random.Random, zone: str, size: int) -> list[Event]:
    start = ZONES[zone]
    midnights = [day_start(day_of(day_number(start) + n), zone) for n in range(rnd.choice([4, 4, 4, 7]))]
    events: list[Event] = []
    for _ in range(size):
        time = _time(rnd, midnights, events)
        event = {
            "visitor": rnd.randrange(1, 4),
            "hit": 1000 + len(events),
            "client_session": rnd.choice([None, None, 1, 2]),
            "time": time,
            "received_us": (time + rnd.randrange(1000)) * 1000,
            "position": rnd.randrange(1_000_000) * 1000 + len(events),
            "index": 0,
            "sequence": rnd.randrange(3),
            "stable": rnd.random() < 0.7,
            "source": rnd.choice(["a", "b", "(direct)"]),
            "reason": rnd.choice([None] * 6 + ["bot", "malformed"]),
            "page_view": rnd.random() < 0.4,
            "path": rnd.choice(["/", "/a", None]),
            "query": rnd.choice([None, "q"]),
            "first_visit": rnd.random() < 0.05,
            "key_event": rnd.random() < 0.05,
            "once": rnd.choice([None, None, None, None, 1, 2, 3, 1 << 63]),
            "client_engaged": rnd.random() < 0.05,
            "signals": rnd.random() < 0.6,
            "engagement_ms": rnd.choice([0, 0, 5_000, 5_001, 10_000, 10_001]),
        }
        events.append(event)
        if rnd.random() < 0.2 and not event["reason"]:
            events.append({**event, "index": 1, "engagement_ms": 0})
        if rnd.random() < 0.25:
            events.append(_resend(rnd, event, len(events)))
    return events


def _time(rnd: random.Random, midnights: list[int], events: list[Event]) -> int:
    low, high = midnights[0], midnights[-1] - 1
    if events and rnd.random() < 0.6:
        time = rnd.choice(events)["time"] + rnd.choice(EDGES) * rnd.choice([1, 1, -1])
    elif rnd.random() < 0.5:
        time = rnd.choice(midnights) + rnd.choice(EDGES) * rnd.choice([1, -1])
    else:
        time = rnd.randrange(low, high)
    return int(max(low, min(high, time)))


def _resend(rnd: random.Random, event: Event, position: int) -> Event:
    delay = rnd.choice([rnd.randrange(0, 48 * HOUR), rnd.randrange(60 * HOUR, 110 * HOUR), 72 * HOUR])
    again = {
        **event,
        "position": rnd.randrange(1_000_000) * 1000 + 500 + position % 500,
        "received_us": event["received_us"] + delay * 1000 + 1,
    }
    if not event["stable"]:
        again["time"] = event["time"] + delay
    if rnd.random() < 0.2:
        again["reason"] = rnd.choice([None, "bot"])
    return again


def arrivals(events: list[Event]) -> Arrivals:
    refused = [event for event in events if event.get("reason")]
    rejected = conform(pl.DataFrame(refused, schema_overrides=REJECTED), REJECTED) if refused else NO_ARRIVALS.rejected
    return Arrivals(frame([event for event in events if not event.get("reason")]), rejected)


def frame(events: list[Event]) -> pl.DataFrame:
    return conform(pl.DataFrame(events, schema_overrides=EVENTS), EVENTS) if events else NO_ARRIVALS.events


def verdicts(built: pl.DataFrame) -> dict[tuple[int, int], tuple[Any, ...]]:
    order = ["time", "sequence", "hit", "index"]
    firsts = (
        built.sort(order).group_by("session", maintain_order=True).agg(first=pl.struct("position", "index").first())
    )
    rows = built.join(firsts, on="session", how="left").iter_rows(named=True)
    return {
        (r["position"], r["index"]): (
            r["first"]["position"], r["first"]["index"], day_key(r["day"]), r["session_source"],
            r["engaged"], r["active"], r["duration_ms"], r["key"],
            (r["landing_path"], r["landing_query"]), r["exit_path"], r["entrance"], r["last_view"],
        )
        for r in rows
    }  # fmt: skip


def feed(
    events: list[Event],
    zone: str,
    batches: int,
    rnd: random.Random,
    key: Callable[[int], str] = day_key,
    folding: bool = False,
) -> InMemory:
    state = InMemory(zone, Limits(TIMEOUT), key)
    order = events[:]
    rnd.shuffle(order)
    cuts = sorted(rnd.randrange(len(order) + 1) for _ in range(batches - 1))
    for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True):
        state.apply(advance(state, arrivals(order[low:high])))
        if folding and state.layers:
            state.fold(rnd.choice(list(state.keys())))
    return state


@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 40))])
def test_it_works(seed: int) -> None:
    rnd = random.Random(seed)
    zone = rnd.choice(list(ZONES))
    events = random_events(rnd, zone, rnd.randrange(1, 45))
    expected, reasons = oracle.judge(events, zone, TIMEOUT)
    for batches, key in (
        (1, day_key),
        (1, month_key),
        (rnd.randrange(2, 9), day_key),
        (rnd.randrange(2, 9), month_key),
    ):
        state = feed(events, zone, batches, rnd, key, folding=rnd.random() < 0.5)
        assert verdicts(state.events()) == expected
        assert state.reasons() == reasons


@pytest.mark.parametrize("client_session", [None, 7])
@pytest.mark.parametrize(
    "anchor", [0, -1, -TIMEOUT, *(pytest.param(anchor, marks=pytest.mark.slow) for anchor in MORE_ANCHORS)]
)
def test_two_hits_around_midnight(client_session: int | None, anchor: int) -> None:
    zone = "Europe/Berlin"
    midnight = day_start(ZONES[zone], zone) + 24 * HOUR
    for gap in EDGES:
        times = [midnight + anchor, midnight + anchor + gap]
        events = [_plain(number, time, client_session) for number, time in enumerate(times)]
        expected, _ = oracle.judge(events, zone, TIMEOUT)
        for order in (events, events[::-1]):
            state = InMemory(zone, Limits(TIMEOUT), day_key)
            for event in order:
                state.apply(advance(state, arrivals([event])))
            assert verdicts(state.events()) == expected, gap


def _plain(number: int, time: int, client_session: int | None) -> Event:
    flags = dict.fromkeys(["page_view", "first_visit", "key_event", "client_engaged", "signals"], False)
    numbers = {"index": 0, "sequence": 0, "engagement_ms": 0, "hit": number, "position": number, "visitor": 1}
    return {
        **flags,
        **numbers,
        "time": time,
        "received_us": time * 1000,
        "stable": True,
        "source": "abc"[number],
        "client_session": client_session,
    }
