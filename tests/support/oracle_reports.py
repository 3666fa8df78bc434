"""Computes reports slowly, from the manual's definitions. Shares no code with the product.

A fact is an event of tests/support/oracle.py with the values of its session, and with `event`, `host`, `path`, `query`,
`country`, `device`, `browser`, `system` and SHOWN_AS_SENT as reports show them; its `source` is (source, medium,
campaign, channel), its `details` are (term, content, ID, platform, kind of click ID), its `interaction` is a dict by
dimension.
"""

from calendar import SUNDAY, day_name
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.support import oracle, oracle_commerce
from tests.support.oracle_commerce import Currencies
from tests.support.oracle_quality import QUALITY_DIMENSIONS, QUALITY_METRICS
from tests.support.oracle_sessions import SESSION_DIMENSIONS, with_sessions
from tests.support.oracle_windows import ACTIVE_DAYS, RATIOS, WINDOWED, Windows

Fact = dict[str, Any]
Line = tuple[tuple[str, ...], tuple[float, ...]]


DOLLARS = Currencies("USD")


class SlowReport(NamedTuple):
    """`keep` chooses facts, `having` chooses rows by their metrics; `days` are the first and last, as YYYY-MM-DD."""

    dimensions: Sequence[str]
    metrics: Sequence[str]
    days: tuple[str, str]
    keep: Callable[[Fact], bool] = lambda _fact: True
    having: Callable[[dict[str, float]], bool] = lambda _values: True


def facts(
    events: Iterable[oracle.Event], zone: str, timeout_ms: int, currencies: Currencies = DOLLARS
) -> tuple[list[Fact], Counter[str]]:
    """Returns the counted events, and the number of rejected hits by reason."""
    listed = list(events)
    verdicts, reasons = oracle.judge(listed, zone, timeout_ms)
    facts_ = []
    for event in listed:
        verdict = verdicts.get((event["position"], event["index"]))
        if verdict:
            *session, day, origin, engaged, active, lasting, key, landing, _, entrance, _ = verdict
            values = {"session": tuple(session), "day": day, "origin": origin, "lasting": lasting, "key": key}
            values |= {"landing": landing, "entrance": entrance}
            facts_.append(
                {**event, **values, "engaged": engaged, "active": active, "local": _local(event["time"], zone)}
            )
    return oracle_commerce.with_orders(with_first(with_sessions(facts_)), currencies), reasons


def with_first(facts_: list[Fact]) -> list[Fact]:
    """Adds to each fact the first one of its visitor, and whether it is the visitor's first purchase."""
    first: dict[Any, Fact] = {}
    first_purchase: dict[Any, Fact] = {}
    for fact in sorted(facts_, key=lambda fact: (fact["time"], fact["hit"], fact["index"])):
        first.setdefault(fact["visitor"], fact)
        if fact["event"] == "purchase":
            first_purchase.setdefault(fact["visitor"], fact)
    return [
        {
            **fact,
            "first": first[fact["visitor"]],
            "new": fact["session"] == first[fact["visitor"]]["session"],
            "first_purchase": first_purchase.get(fact["visitor"]) is fact,
        }
        for fact in facts_
    ]


def answer(all_facts: Iterable[Fact], report: SlowReport) -> tuple[list[Line], Line]:
    """Returns the rows, by the first metric, largest first, then by dimension values; and the total."""
    accepted = [fact for fact in all_facts if report.keep(fact)]
    if oracle_commerce.ITEM_DIMENSIONS.keys() & report.dimensions:
        accepted = oracle_commerce.by_item(accepted)
    windows = Windows(accepted, report.dimensions, report.days, DIMENSIONS)
    groups = defaultdict(list)
    for fact in windows.inside:
        groups[tuple(DIMENSIONS[name](fact) for name in report.dimensions)].append(fact)
    if set(report.metrics) & {*ACTIVE_DAYS, *RATIOS}:
        groups |= {key: [] for key in windows.keys() - set(groups)}
    chosen = {key: group for key, group in groups.items() if report.having(_Values(group))}
    rows = [(key, tuple(_value(name, windows, key, group) for name in report.metrics)) for key, group in chosen.items()]
    rows = [row for row in rows if any(row[1])]
    total = [fact for group in chosen.values() for fact in group]
    kept = None if len(chosen) == len(groups) else set(chosen)
    ordered = sorted(rows, key=lambda row: (-row[1][0], row[0]))
    labels = ("RESERVED_TOTAL",) * len(report.dimensions)
    totals = [windows.total(name, total, kept) if name in WINDOWED else METRICS[name](total) for name in report.metrics]
    return ordered, (labels, tuple(totals))


class _Values(dict[str, float]):
    """The metrics of a row, each counted when it is asked for."""

    def __init__(self, group: list[Fact]) -> None:
        self._group = group

    def __missing__(self, name: str) -> float:
        return METRICS[name](self._group)


def _value(name: str, windows: Windows, key: tuple[str, ...], group: list[Fact]) -> float:
    return windows.value(name, key, group) if name in WINDOWED else METRICS[name](group)


def rejected(events: Iterable[oracle.Event], zone: str, dimensions: Sequence[str], days: tuple[str, str]) -> list[Line]:
    """Returns the rejected hits of these days and their visitors, by dimension values, in the order of `answer`.

    A re-send is a duplicate, whatever else it is.
    """
    listed = list(events)
    first, again = oracle.split_duplicates(listed, zone)
    refused = [event for event in first if event.get("reason")] + [{**event, "reason": "duplicate"} for event in again]
    # the hit's own first event: 0 and 1 are implied ones, unless it was rejected before there were any
    by_rank = sorted(refused, key=lambda event: (event["index"] < 2, event["index"]))
    hits = {event["position"]: event for event in reversed(by_rank)}
    groups = defaultdict(list)
    for hit in hits.values():
        if days[0] <= oracle.local_day(hit["time"], zone) <= days[1]:
            fact = {**hit, "local": _local(hit["time"], zone)}
            groups[tuple(REJECTED_DIMENSIONS[name](fact) for name in dimensions)].append(fact)
    rows: list[Line] = [(key, (len(group), _users(group))) for key, group in groups.items()]
    return sorted(rows, key=lambda row: (-row[1][0], row[0]))


def _local(time: int, zone: str) -> datetime:
    return datetime.fromtimestamp(time / 1000, tz=UTC).astimezone(ZoneInfo(zone))


def _week(fact: Fact) -> int:
    """Counts the Sundays since New Year: each begins a week, and the days before the first one are week 1."""
    day: date = fact["local"].date()
    days = [day.replace(month=1, day=1) + timedelta(days=n) for n in range(day.timetuple().tm_yday)]
    return 1 + sum(each.weekday() == SUNDAY for each in days[1:])


def _shown(name: str) -> Callable[[Fact], str]:
    return lambda fact: fact.get(name, "(not set)")


# Facts that have the names of the dimensions that show them.
SHOWN_AS_SENT = (
    *("pageTitle", "pageReferrer", "pageLocation"),
    *("unifiedPagePathScreen", "unifiedPageScreen", "unifiedScreenClass", "unifiedScreenName"),
    *("countryId", "continent", "continentId", "region", "city"),
    *("browserVersion", "operatingSystemVersion", "operatingSystemWithVersion", "platform", "platformDeviceCategory"),
    *("mobileDeviceBranding", "mobileDeviceModel", "deviceModel", "screenResolution", "viewport"),
    *("language", "languageCode", "protocol", "signedInWithUserId"),
)
DIMENSIONS: dict[str, Callable[[Fact], str]] = {
    "date": lambda fact: fact["local"].strftime("%Y%m%d"),
    "hour": lambda fact: fact["local"].strftime("%H"),
    "dateHour": lambda fact: fact["local"].strftime("%Y%m%d%H"),
    "minute": lambda fact: fact["local"].strftime("%M"),
    "dateHourMinute": lambda fact: fact["local"].strftime("%Y%m%d%H%M"),
    "day": lambda fact: fact["local"].strftime("%d"),
    "dayOfWeek": lambda fact: fact["local"].strftime("%w"),
    "dayOfWeekName": lambda fact: day_name[fact["local"].weekday()],
    "week": lambda fact: f"{_week(fact):02}",
    "yearWeek": lambda fact: f"{fact['local'].year}{_week(fact):02}",
    "isoWeek": lambda fact: fact["local"].strftime("%V"),
    "isoYear": lambda fact: fact["local"].strftime("%G"),
    "isoYearIsoWeek": lambda fact: fact["local"].strftime("%G%V"),
    "month": lambda fact: fact["local"].strftime("%m"),
    "year": lambda fact: fact["local"].strftime("%Y"),
    "yearMonth": lambda fact: fact["local"].strftime("%Y%m"),
    "pagePath": lambda fact: fact["path"],
    "pagePathPlusQueryString": lambda fact: fact["path"] + (f"?{fact['query']}" if fact["query"] else ""),
    "fullPageUrl": lambda fact: fact["host"] + fact["path"] + (f"?{fact['query']}" if fact["query"] else ""),
    "contentGroup": lambda fact: fact.get("content_group") or "(not set)",
    "hostName": lambda fact: fact["host"],
    "eventName": lambda fact: fact["event"],
    **SESSION_DIMENSIONS,
    "sessionSource": lambda fact: fact["origin"][0],
    "sessionMedium": lambda fact: fact["origin"][1],
    "sessionSourceMedium": lambda fact: f"{fact['origin'][0]} / {fact['origin'][1]}",
    "sessionCampaignName": lambda fact: fact["origin"][2],
    "sessionDefaultChannelGroup": lambda fact: fact["origin"][3],
    "sessionPrimaryChannelGroup": lambda fact: fact["origin"][3],
    "firstUserSource": lambda fact: fact["first"]["origin"][0],
    "firstUserMedium": lambda fact: fact["first"]["origin"][1],
    "firstUserSourceMedium": lambda fact: "{} / {}".format(*fact["first"]["origin"][:2]),
    "firstUserCampaignName": lambda fact: fact["first"]["origin"][2],
    "firstUserDefaultChannelGroup": lambda fact: fact["first"]["origin"][3],
    "firstUserPrimaryChannelGroup": lambda fact: fact["first"]["origin"][3],
    "firstSessionDate": lambda fact: fact["first"]["local"].strftime("%Y%m%d"),
    "newVsReturning": lambda fact: "new" if fact["new"] else "returning",
    "country": lambda fact: fact["country"],
    "deviceCategory": lambda fact: fact["device"],
    "browser": lambda fact: fact["browser"],
    "operatingSystem": lambda fact: fact["system"],
    **{name: _shown(name) for name in SHOWN_AS_SENT},
    **QUALITY_DIMENSIONS,
    **oracle_commerce.DIMENSIONS,
}


def _users(rows: list[Fact]) -> int:
    return len({fact["visitor"] for fact in rows})


def _active(rows: list[Fact]) -> int:
    return _users([fact for fact in rows if fact["active"]])


def _key(rows: list[Fact]) -> list[Fact]:
    return [fact for fact in rows if fact["key"]]


def _sessions(rows: list[Fact]) -> int:
    return len({fact["session"] for fact in rows})


def _engaged(rows: list[Fact]) -> int:
    return _sessions([fact for fact in rows if fact["engaged"]])


def _views(rows: list[Fact]) -> int:
    return sum(fact["page_view"] for fact in rows)


def _lasting(rows: list[Fact]) -> int:
    """Returns the sum of the durations of the rows' sessions, each on each of its days, in ms."""
    return sum({(fact["session"], fact["day"]): fact["lasting"] for fact in rows}.values())


def _engagement(rows: list[Fact]) -> float:
    milliseconds: int = sum(fact["engagement_ms"] for fact in rows)
    return milliseconds / 1000


def _divided(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


METRICS: dict[str, Callable[[list[Fact]], float]] = {
    "activeUsers": _active,
    "totalUsers": _users,
    "newUsers": lambda rows: _users([fact for fact in rows if fact["first_visit"]]),
    "returningUsers": lambda rows: _users([fact for fact in rows if not fact["new"]]),
    "firstTimePurchasers": lambda rows: _users([fact for fact in rows if fact["first_purchase"]]),
    "userKeyEventRate": lambda rows: _divided(_users(_key(rows)), _users(rows)),
    "scrolledUsers": lambda rows: _users([fact for fact in rows if fact["event"] == "scroll"]),
    "sessions": _sessions,
    "engagedSessions": _engaged,
    "engagementRate": lambda rows: _divided(_engaged(rows), _sessions(rows)),
    "bounceRate": lambda rows: _divided(_sessions(rows) - _engaged(rows), _sessions(rows)),
    "bounces": lambda rows: _sessions(rows) - _engaged(rows),
    "averageSessionDuration": lambda rows: _divided(_lasting(rows) / 1000, _sessions(rows)),
    "sessionKeyEventRate": lambda rows: _divided(_sessions(_key(rows)), _sessions(rows)),
    "sessionsPerUser": lambda rows: _divided(_sessions(rows), _active(rows)),
    "screenPageViewsPerSession": lambda rows: _divided(_views(rows), _sessions(rows)),
    "screenPageViewsPerUser": lambda rows: _divided(_views(rows), _active(rows)),
    "screenPageViews": _views,
    "eventCount": len,
    "eventsPerSession": lambda rows: _divided(len(rows), _sessions(rows)),
    "eventCountPerUser": lambda rows: _divided(len(rows), _active(rows)),
    "averageEngagementTimePerSession": lambda rows: _divided(
        sum(fact["engagement_ms"] for fact in rows) / 1000, _sessions(rows)
    ),
    "entrances": lambda rows: sum(fact["entrance"] for fact in rows),
    "entranceRate": lambda rows: _divided(sum(fact["entrance"] for fact in rows), _views(rows)),
    "exits": lambda rows: sum(fact["exits"] for fact in rows),
    "exitRate": lambda rows: _divided(sum(fact["exits"] for fact in rows), _views(rows)),
    "keyEvents": lambda rows: sum(fact["key"] for fact in rows),
    "keyEventValue": lambda rows: sum(fact.get("key_value", 0) for fact in rows if fact["key"]) / 1_000_000,
    "addToCarts": lambda rows: sum(fact["event"] == "add_to_cart" for fact in rows),
    "checkouts": lambda rows: sum(fact["event"] == "begin_checkout" for fact in rows),
    "userEngagementDuration": lambda rows: sum(fact["engagement_ms"] for fact in rows) / 1000,
    **QUALITY_METRICS,
    **oracle_commerce.METRICS,
    "averageEngagementTime": lambda rows: _divided(_engagement(rows), _active(rows)),
    "averageEngagementTimePerView": lambda rows: _divided(_engagement(rows), _views(rows)),
    **dict.fromkeys(WINDOWED, lambda _rows: 0.0),  # see oracle_windows.py: they need more than their row
}
REJECTED_DIMENSIONS: dict[str, Callable[[Fact], str]] = {
    "reason": lambda fact: fact["reason"],
    "rule": lambda fact: fact.get("rule") or "(not set)",
    "botName": lambda fact: fact.get("bot") or "(not set)",
    "botCategory": lambda fact: fact.get("bot_category") or "(not set)",
    "hostName": lambda fact: fact.get("host") or "(not set)",
    "pagePath": lambda fact: fact.get("path") or "(not set)",
    "country": lambda fact: fact["country"],
    "date": DIMENSIONS["date"],
    "hour": DIMENSIONS["hour"],
}
