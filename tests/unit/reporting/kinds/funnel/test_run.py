"""Funnels, against a slow count in plain Python, and by examples."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.funnel.report import FunnelAnswer, FunnelReport, FunnelStep, StepCount
from reporting.kinds.funnel.run import END, MORE
from reporting.model.now import Now
from reporting.model.report import DateRange, Or, ReportError, StringFilter
from tests.support.builders import FrameView, built, view_of

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
MONTH = DateRange("30daysAgo", "today")
SECOND = 1000
START = 1_763_000_000_000 + 365 * 86_400_000  # November 2026, ms


def event(visitor: int, at: int, name: str, **facts: Any) -> dict[str, Any]:
    return {"visitor": visitor, "session": visitor, "time": START + at * SECOND, "event": name, **facts}


def step(name: str, *events: str, **limits: Any) -> FunnelStep:
    return FunnelStep(name, Or(tuple(StringFilter("eventName", each) for each in events or (name,))), **limits)


def ask(view: FrameView, *steps: FunnelStep, **fields: Any) -> FunnelAnswer:
    answer = run(FunnelReport(date_range=MONTH, steps=steps, **fields), view, NOW)
    assert isinstance(answer, FunnelAnswer)
    return answer


def counts(steps: tuple[StepCount, ...]) -> list[tuple[int, int, int]]:
    return [(each.visitors, each.continued, each.abandoned) for each in steps]


def test_it_works() -> None:
    view = view_of(
        *(event(1, 0, "see"), event(1, 10, "add"), event(1, 40, "buy")),
        *(event(2, 0, "add"), event(2, 5, "see"), event(2, 6, "buy")),  # in another order
        *(event(3, 0, "see"), event(3, 1, "add"), event(3, 2, "see"), event(3, 3, "add")),
    )
    steps = ask(view, step("see"), step("add"), step("buy")).steps
    assert counts(steps) == [(3, 2, 1), (2, 1, 1), (1, 0, 0)]
    assert [each.seconds for each in steps] == [0, (10 + 1) / 2, 30]
    assert [each.completion_rate for each in steps] == [2 / 3, 1 / 2, 0]


def test_in_an_open_funnel_visitors_begin_anywhere() -> None:
    view = view_of(event(1, 0, "add"), event(1, 1, "buy"), event(2, 0, "buy"), event(3, 0, "see"))
    assert counts(ask(view, step("see"), step("add"), step("buy"), open=True).steps) == [
        (1, 0, 1),
        (1, 1, 0),
        (2, 0, 0),
    ]


def test_the_last_event_before_decides_about_the_time() -> None:
    view = view_of(
        *(event(1, 0, "see"), event(1, 100, "see"), event(1, 105, "buy")), event(2, 0, "see"), event(2, 11, "buy")
    )
    assert counts(ask(view, step("see"), step("buy", within_seconds=10)).steps) == [(2, 1, 1), (1, 0, 0)]
    assert counts(ask(view, step("see"), step("buy", within_seconds=11)).steps) == [(2, 2, 0), (2, 0, 0)]


def test_directly() -> None:
    view = view_of(event(1, 0, "see"), event(1, 1, "x"), event(1, 2, "buy"), event(2, 0, "see"), event(2, 1, "buy"))
    assert counts(ask(view, step("see"), step("buy", directly=True)).steps) == [(2, 1, 1), (1, 0, 0)]


def test_one_event_reaches_one_step() -> None:
    view = view_of(event(1, 0, "see"), event(2, 0, "see"), event(2, 0, "see", hit=99))
    assert counts(ask(view, step("first", "see"), step("second", "see")).steps) == [(2, 1, 1), (1, 0, 0)]


def test_breakdown_and_next_actions() -> None:
    view = view_of(
        *(event(1, 0, "see", country="Spain"), event(1, 1, "buy", country="France"), event(1, 2, "pay")),
        *(event(2, 0, "see", country="Spain"), event(2, 1, "leave")),
        *(event(3, 0, "see", country="Italy"), event(3, 1, "buy")),
        event(4, 0, "see", country="Chad"),
    )
    answer = ask(view, step("see"), step("buy"), breakdown="country", next_action="eventName", limit=2)
    assert [(each.value, counts(each.steps)) for each in answer.breakdown] == [
        ("Spain", [(2, 1, 1), (1, 0, 0)]),
        ("Chad", [(1, 0, 1), (0, 0, 0)]),
        (MORE, [(1, 1, 0), (1, 0, 0)]),
    ]
    assert [(each.step, each.value, each.visitors) for each in answer.next_actions] == [
        ("see", "buy", 2),
        ("see", END, 1),
        ("see", MORE, 1),
        ("buy", END, 1),
        ("buy", "pay", 1),
    ]
    assert tabulate(answer).select("breakdown", "step", "visitors").rows()[1:4] == [
        *((None, "buy", 2), ("Spain", "see", 2), ("Spain", "buy", 1))
    ]
    by_day = ask(view, step("see"), step("buy"), breakdown="date").breakdown
    assert [counts(each.steps) for each in by_day] == [[(4, 2, 2), (2, 0, 0)]]


def test_no_events() -> None:
    answer = ask(view_of(), step("see"), step("buy"), breakdown="country", next_action="eventName")
    assert counts(answer.steps) == [(0, 0, 0), (0, 0, 0)]
    assert (answer.breakdown, answer.next_actions) == ((), ())
    assert tabulate(answer)["visitors"].to_list() == [0, 0]


EVENTS = st.lists(
    st.builds(
        event,
        visitor=st.integers(1, 4),
        at=st.integers(0, 12),
        name=st.sampled_from("abc"),
        country=st.sampled_from(["Spain", "Italy", "Chad"]),
    ),
    max_size=30,
)
LIMITS = st.fixed_dictionaries({"within_seconds": st.none() | st.integers(1, 6), "directly": st.booleans()})


@given(
    EVENTS, st.lists(st.tuples(st.sampled_from(["a", "b", "c", "ab"]), LIMITS), min_size=1, max_size=3), st.booleans()
)
def test_a_funnel_counts_what_plain_python_counts(
    events: list[dict[str, Any]], later: list[tuple[str, dict[str, Any]]], open: bool
) -> None:
    steps = [step("0", "a"), *(step(f"{n}", *names, **limits) for n, (names, limits) in enumerate(later, 1))]
    placed = [{**each, "hit": position} for position, each in enumerate(events)]
    answer = ask(FrameView(built(placed)), *steps, open=open, breakdown="country", limit=2)
    expected = slowly(placed, ["a", *(names for names, _ in later)], [{}, *(limits for _, limits in later)], open)
    assert counts(answer.steps) == expected(set("1234"))
    entered = entries(placed, ["a", *(names for names, _ in later)], open)
    listed = [value for value, _ in sorted(Counter(entered.values()).items(), key=lambda pair: (-pair[1], pair[0]))]
    values = [*listed[:2], *([MORE] if len(listed) > 2 else [])]
    assert [each.value for each in answer.breakdown] == values
    for each in answer.breakdown:
        wanted = {each.value} if each.value != MORE else set(listed[2:])
        assert counts(each.steps) == expected({f"{visitor}" for visitor, value in entered.items() if value in wanted})


@given(
    EVENTS, st.lists(st.tuples(st.sampled_from(["a", "b", "c", "ab"]), LIMITS), min_size=1, max_size=3), st.booleans()
)
def test_times_and_next_actions_are_those_of_plain_python(
    events: list[dict[str, Any]], later: list[tuple[str, dict[str, Any]]], open: bool
) -> None:
    steps = [step("0", "a"), *(step(f"{n}", *names, **limits) for n, (names, limits) in enumerate(later, 1))]
    placed = [{**each, "hit": position} for position, each in enumerate(events)]
    answer = ask(FrameView(built(placed)), *steps, open=open, next_action="eventName", limit=2)
    times, actions = slow_details(placed, ["a", *(n for n, _ in later)], [{}, *(limits for _, limits in later)], open)
    assert [each.seconds for each in answer.steps] == pytest.approx(times)
    for number, (counted, this) in enumerate(zip(actions, answer.steps, strict=True)):
        ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        rest = sum(visitors for _, visitors in ordered[2:])
        expected = [*ordered[:2], *([(MORE, rest)] if rest else [])]
        found = [(each.value, each.visitors) for each in answer.next_actions if each.step == f"{number}"]
        assert found == expected
        assert sum(visitors for _, visitors in found) == this.visitors


def slow_details(
    events: list[dict[str, Any]], names: list[str], limits: list[dict[str, Any]], open: bool
) -> tuple[list[float], list[Counter[str]]]:
    """Returns for each step the average time since the step before, in seconds, and what visitors did next."""
    waits: list[list[float]] = [[] for _ in names]
    actions: list[Counter[str]] = [Counter() for _ in names]
    for own in by_visitor(events).values():
        before: set[int] = set()
        for number, (name, limit) in enumerate(zip(names, limits, strict=True)):
            fits = {n for n, each in enumerate(own) if each["event"] in name}
            follows = {n for n in fits if any(_may_follow(own, earlier, n, limit) for earlier in before)}
            if follows and number:
                last = max(n for n in before if n < min(follows))
                waits[number].append((own[min(follows)]["time"] - own[last]["time"]) / SECOND)
            before = fits if open or not number else follows
            if before:
                after = own[min(before) + 1 : min(before) + 2]
                actions[number][after[0]["event"] if after else END] += 1
    return [sum(own) / len(own) if own else 0.0 for own in waits], actions


HOURS = st.lists(
    st.builds(
        lambda visitor, hours, name: {
            "visitor": visitor,
            "session": visitor,
            "event": name,
            "at": datetime(2026, 11, 18, tzinfo=UTC) + timedelta(hours=hours),
        },
        visitor=st.integers(1, 4),
        hours=st.integers(0, 71),
        name=st.sampled_from("abc"),
    ),
    max_size=20,
)


@given(HOURS, st.booleans())
def test_the_trend_is_the_funnel_of_those_who_entered_on_each_day(events: list[dict[str, Any]], open: bool) -> None:
    placed = [{**each, "hit": number} for number, each in enumerate(events)]
    days = [date(2026, 11, 18), date(2026, 11, 19), TODAY]
    report = FunnelReport(
        date_range=DateRange(str(days[0]), "today"), steps=(step("0", "a"), step("1", "b")), open=open, trend=True
    )
    view = FrameView(built(placed))
    answer = run(report, view, NOW)
    assert isinstance(answer, FunnelAnswer)
    assert [each.day for each in answer.trend] == days
    entered = dict[int, date]()
    for each in sorted(placed, key=lambda each: each["at"], reverse=True):
        if each["event"] in ("ab" if open else "a"):
            entered[each["visitor"]] = each["at"].date()
    for counted in answer.trend:
        alone = [each for each in placed if entered.get(each["visitor"]) == counted.day]
        assert counted.steps == run(report, FrameView(built(alone)), NOW).steps


def test_the_trend_of_no_events_has_every_day() -> None:
    answer = ask(view_of(), step("see"), step("buy"), trend=True)
    assert [(each.day, counts(each.steps)) for each in answer.trend][-1] == (TODAY, [(0, 0, 0), (0, 0, 0)])
    assert (len(answer.trend), tabulate(answer)["day"].null_count()) == (31, 2)


def by_visitor(events: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    visits = defaultdict(list)
    for each in sorted(events, key=lambda each: (each["time"], each["hit"])):
        visits[each["visitor"]].append(each)
    return visits


def entries(events: list[dict[str, Any]], names: list[str], open: bool) -> dict[int, str]:
    first = "".join(names) if open else names[0]
    found = {}
    for visitor, own in by_visitor(events).items():
        matching = [each["country"] for each in own if each["event"] in first]
        if matching:
            found[visitor] = matching[0]
    return found


def slowly(events: list[dict[str, Any]], names: list[str], limits: list[dict[str, Any]], open: bool) -> Any:
    """Returns a function: visitors, as texts -> (visitors, continued, abandoned) of each step, by trying all pairs."""
    reached: list[set[int]] = [set() for _ in names]
    continued: list[set[int]] = [set() for _ in names]
    for visitor, own in by_visitor(events).items():
        before: set[int] = set()
        for number, (name, limit) in enumerate(zip(names, limits, strict=True)):
            fits = {n for n, each in enumerate(own) if each["event"] in name}
            follows = {n for n in fits if any(_may_follow(own, earlier, n, limit) for earlier in before)}
            if number and follows:
                continued[number - 1].add(visitor)
            before = fits if open or not number else follows
            if before:
                reached[number].add(visitor)

    def of(visitors: set[str]) -> list[tuple[int, int, int]]:
        numbers = {int(visitor) for visitor in visitors}
        rows = [(len(a & numbers), len(b & numbers)) for a, b in zip(reached, continued, strict=True)]
        return [(a, b, a - b if n + 1 < len(rows) else 0) for n, (a, b) in enumerate(rows)]

    return of


def _may_follow(own: list[dict[str, Any]], earlier: int, later: int, limit: dict[str, Any]) -> bool:
    seconds = limit.get("within_seconds")
    in_time = seconds is None or own[later]["time"] - own[earlier]["time"] <= seconds * SECOND
    return earlier < later and in_time and (not limit.get("directly") or earlier == later - 1)


BODY: dict[str, Any] = {
    "kind": "funnel",
    "date_range": {"start": "30daysAgo", "end": "today"},
    "steps": [
        {"name": name, "filter": {"type": "string", "field": "eventName", "value": name}} for name in ("see", "buy")
    ],
}


def test_a_request_as_json() -> None:
    answer = render(run(parse(BODY), view_of(event(1, 0, "see"), event(1, 2, "buy")), NOW))
    assert [(each["visitors"], each["seconds"]) for each in answer["steps"]] == [(1, 0), (1, 2)]


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "reports.md").read_text().split("## Funnels")[1]
    view = view_of(event(1, 0, "page_view", path="/product/shoe"), event(1, 1, "add_to_cart"), event(1, 9, "purchase"))
    answer = run(parse(json.loads(text.split("```json")[1].split("```")[0])), view, NOW)
    assert counts(answer.steps) == [(1, 1, 0), (1, 1, 0), (1, 0, 0)]
    assert (len(answer.breakdown), len(answer.next_actions)) == (1, 3)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"steps": BODY["steps"][:1]}, "give it 2 to 10"),
        ({"steps": BODY["steps"] * 6}, "give it 2 to 10"),
        ({"steps": BODY["steps"][:1] * 2}, "a name of its own"),
        ({"limit": 0}, "between 1 and 1000"),
        ({"breakdown": "cuntry"}, "Did you mean country"),
        ({"steps": [{**BODY["steps"][0], "directly": True}, BODY["steps"][1]]}, "first step follows no other"),
        ({"steps": [BODY["steps"][0], {**BODY["steps"][1], "within_seconds": 0}]}, "between 1 and"),
        ({"steps": [BODY["steps"][0], {"name": "x", "filter": {"type": "empty", "field": "sessions"}}]}, "is a metric"),
        ({"date_range": {"start": "today", "end": "yesterday"}}, "exchange the two"),
        ({"trend": True, "date_range": {"start": "2001-01-01", "end": "today"}}, "at most 1000"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    with pytest.raises(ReportError, match=advice):
        run(parse({**BODY, **changes}), view_of(), NOW)
