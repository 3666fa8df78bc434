"""What the numbers must be, computed slowly from the definitions in the manual. It shares no code with the product.

An event is a dict: visitor, hit, client_session (or None), time and received_us, position, index, sequence, stable,
source, page_view, first_visit, key_event, client_engaged, signals, engagement_ms. Times in ms.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]


def local_day(time: int, zone: str) -> str:
    return datetime.fromtimestamp(time / 1000, tz=UTC).astimezone(ZoneInfo(zone)).date().isoformat()


def split_duplicates(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """Of each visitor and hit id, the earliest hit counts, with all its events."""
    winners: dict[tuple[int, int], tuple[int, int, int]] = {}
    for event in events:
        key, rank = (event["visitor"], event["hit"]), (event["time"], event["received_us"], event["position"])
        winners[key] = min(winners.get(key, rank), rank)
    counted: list[Event] = []
    duplicates: list[Event] = []
    for event in events:
        wins = winners[event["visitor"], event["hit"]][2] == event["position"]
        (counted if wins else duplicates).append(event)
    return counted, duplicates


def sessions(counted: list[Event], timeout_ms: int) -> list[list[Event]]:
    threads = defaultdict(list)
    for event in counted:
        threads[event["visitor"], event["client_session"]].append(event)
    found: list[list[Event]] = []
    previous = 0
    for (_, client_session), thread in threads.items():
        thread.sort(key=lambda e: (e["time"], e["sequence"], e["hit"], e["index"]))
        limit = timeout_ms if client_session is None else max(timeout_ms, 4 * 60 * 60 * 1000)
        for event in thread:
            if event is thread[0] or event["time"] - previous > limit:
                found.append([])
            found[-1].append(event)
            previous = event["time"]
    return found


def engaged(so_far: list[Event]) -> bool:
    if any(event["signals"] for event in so_far):
        spent = sum(event["engagement_ms"] for event in so_far)
    else:
        spent = so_far[-1]["time"] - so_far[0]["time"]
    views = sum(event["page_view"] for event in so_far)
    return spent > 10_000 or views >= 2 or any(event["key_event"] or event["client_engaged"] for event in so_far)


def judge(
    events: list[Event], zone: str, timeout_ms: int
) -> tuple[dict[tuple[int, int], tuple[Any, ...]], Counter[str]]:
    """(position, index) -> (first event of its session, day, source, engaged, active, duration of that day); and how
    many hits are duplicates.
    """
    first, duplicates = split_duplicates(events)
    counted = [event for event in first if not event.get("reason")]
    verdicts = {}
    for session in sessions(counted, timeout_ms):
        start, last = session[0], session[0]["time"]
        so_far: list[Event] = []
        for day in sorted({local_day(event["time"], zone) for event in session}):
            today = [event for event in session if local_day(event["time"], zone) == day]
            so_far += today
            lasting, last, good = today[-1]["time"] - last, today[-1]["time"], engaged(so_far)
            for event in today:
                active = (
                    good
                    or event["engagement_ms"] > 0
                    or event["first_visit"]
                    or (not event["signals"] and event["page_view"])
                )
                verdicts[event["position"], event["index"]] = (
                    start["position"],
                    start["index"],
                    day,
                    start["source"],
                    good,
                    active,
                    lasting,
                )
    refused = {event["position"]: event["reason"] for event in first if event.get("reason")}
    return verdicts, Counter([*refused.values(), *("duplicate" for _ in {event["position"] for event in duplicates})])
