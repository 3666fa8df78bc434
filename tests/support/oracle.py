"""What the numbers must be, computed slowly from the definitions in the manual. It shares no code with the product.

An event is a dict: visitor, hit, client_session (or None), time and received_us, position, index, sequence, stable,
source, page_view, path, query, first_visit, key_event, client_engaged, signals, engagement_ms. Times in ms.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]


def local_day(time: int, zone: str) -> str:
    return datetime.fromtimestamp(time / 1000, tz=UTC).astimezone(ZoneInfo(zone)).date().isoformat()


def split_duplicates(events: list[Event], zone: str) -> tuple[list[Event], list[Event]]:
    """Of each visitor and hit id, the earliest hit of a local day counts, with all its events.

    It does not if one counts whose time depends on receipt and lies at most 72 hours before the day began.
    """
    copies: dict[tuple[int, int], set[tuple[int, int, int, bool]]] = defaultdict(set)
    for event in events:
        rank = (event["time"], event["received_us"], event["position"], event.get("stable", False))
        copies[event["visitor"], event["hit"]].add(rank)
    winning = {position for ranks in copies.values() for position in _winners(sorted(ranks), zone)}
    counted = [event for event in events if event["position"] in winning]
    return counted, [event for event in events if event["position"] not in winning]


def _winners(ranks: list[tuple[int, int, int, bool]], zone: str) -> list[int]:
    winning: list[tuple[int, int, bool]] = []
    for time, _, position, stable in ranks:
        since = midnight(time, zone) - 72 * 60 * 60 * 1000
        rivals = [w for w in winning if local_day(w[0], zone) == local_day(time, zone) or (not w[2] and w[0] >= since)]
        if not rivals:
            winning.append((time, position, stable))
    return [position for _, position, _ in winning]


def midnight(time: int, zone: str) -> int:
    """The instant at which the local day of `time` began."""
    day = datetime.fromisoformat(local_day(time, zone))
    return int(day.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


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
    return spent > 10_000 or views >= 2 or any(event["key"] or event["client_engaged"] for event in so_far)


def with_keys(session: list[Event]) -> list[Event]:
    """A bit of `once` makes the first event of the session that has it a key event."""
    fired, found = 0, []
    for event in session:
        once = event.get("once") or 0
        found.append({**event, "key": bool(event["key_event"] or once & ~fired)})
        fired |= once
    return found


def page_of(event: Event) -> tuple[str | None, str | None]:
    return event.get("path"), event.get("query") or None


def judge(
    events: list[Event], zone: str, timeout_ms: int
) -> tuple[dict[tuple[int, int], tuple[Any, ...]], Counter[str]]:
    """(position, index) -> (first event of its session, day, source, engaged, active, duration of that day, key event,
    path and query of the session's first view by the end of the day, path of its last one, whether it is the session's
    first view, whether its last of the day); and how many hits are duplicates.
    """
    first, duplicates = split_duplicates(events, zone)
    counted = [event for event in first if not event.get("reason")]
    verdicts = {}
    for session in map(with_keys, sessions(counted, timeout_ms)):
        start, last = session[0], session[0]["time"]
        so_far: list[Event] = []
        for day in sorted({local_day(event["time"], zone) for event in session}):
            today = [event for event in session if local_day(event["time"], zone) == day]
            so_far += today
            views, views_today = [e for e in so_far if e["page_view"]], [e for e in today if e["page_view"]]
            landing = page_of(views[0]) if views else (None, None)
            leaving = views[-1].get("path") if views else None
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
                    event["key"],
                    landing,
                    leaving,
                    views[:1] == [event],
                    views_today[-1:] == [event],
                )
    refused = {event["position"]: event["reason"] for event in first if event.get("reason")}
    return verdicts, Counter([*refused.values(), *("duplicate" for _ in {event["position"] for event in duplicates})])
