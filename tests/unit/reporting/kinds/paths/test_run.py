"""Paths, against a slow count in plain Python, and by examples."""

import json
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.kinds import parse, render, run, tabulate
from reporting.kinds.paths.report import PathAnswer, PathReport
from reporting.kinds.paths.run import BEGINNING, END, MORE
from reporting.model.now import Now
from reporting.model.report import DateRange, ReportError, StringFilter
from tests.support.builders import FrameView, built, view_of

MANUAL = Path(__file__).parents[5] / "docs" / "manual"
TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
MONTH = DateRange("30daysAgo", "today")
START = 1_763_000_000_000 + 365 * 86_400_000  # November 2026, ms
Step = tuple[dict[str, int], dict[tuple[str, str], int]]


def visit(session: int, *paths: str) -> list[dict[str, Any]]:
    facts = {"visitor": session, "session": session}
    return [{**facts, "time": START + n * 1000, "hit": n, "path": path} for n, path in enumerate(paths)]


def on(path: str) -> StringFilter:
    return StringFilter("pagePath", path)


def ask(view: FrameView, **fields: Any) -> PathAnswer:
    answer = run(PathReport(date_range=MONTH, **fields), view, NOW)
    assert isinstance(answer, PathAnswer)
    return answer


def steps(answer: PathAnswer) -> list[Step]:
    return [
        (
            {node.value: node.sessions for node in step.nodes},
            {(link.source, link.target): link.sessions for link in step.links},
        )
        for step in answer.steps
    ]


def test_it_works() -> None:
    view = view_of(*visit(1, "/a", "/b", "/b", "/c"), *visit(2, "/b", "/a"), *visit(3, "/a"))
    answer = ask(view, point=on("/b"), steps=3)
    assert answer.sessions == 2
    assert steps(answer) == [
        ({"/b": 2}, {("/b", "/a"): 1, ("/b", "/c"): 1}),
        ({"/a": 1, "/c": 1}, {("/a", END): 1, ("/c", END): 1}),
        ({END: 2}, {}),
    ]


def test_backward_from_the_last_event_that_the_filter_accepts() -> None:
    view = view_of(*visit(1, "/a", "/b", "/c", "/b", "/d"), *visit(2, "/b"))
    assert steps(ask(view, point=on("/b"), direction="backward", steps=3)) == [
        ({"/b": 2}, {("/b", "/c"): 1, ("/b", BEGINNING): 1}),
        ({"/c": 1, BEGINNING: 1}, {("/c", "/b"): 1, (BEGINNING, BEGINNING): 1}),
        ({"/b": 1, BEGINNING: 1}, {}),
    ]


def test_values_beyond_the_limit_are_put_together() -> None:
    view = view_of(
        *visit(1, "/a", "/x"), *visit(2, "/a", "/y"), *visit(3, "/a", "/y"), *visit(4, "/a", "/z"), *visit(5, "/a")
    )
    answer = ask(view, steps=2, limit=1)
    assert [(node.value, node.sessions) for node in answer.steps[1].nodes] == [("/y", 2), (MORE, 2), (END, 1)]
    assert steps(answer)[0] == ({"/a": 5}, {("/a", "/y"): 2, ("/a", MORE): 2, ("/a", END): 1})


def test_links_as_a_table() -> None:
    answer = ask(view_of(*visit(1, "/a", "/b")), steps=3)
    assert tabulate(answer).rows() == [(1, "/a", "/b", 1), (2, "/b", END, 1)]
    assert tabulate(ask(view_of())).is_empty()


def test_only_some_events_count() -> None:
    events = visit(1, "/a", "/b", "/c")
    events[1]["event"] = "scroll"
    answer = ask(view_of(*events), events=StringFilter("eventName", "page_view"), steps=2)
    assert steps(answer)[0] == ({"/a": 1}, {("/a", "/c"): 1})
    by_event = ask(view_of(*events), dimension="eventName", steps=4)
    assert [[node.value for node in step.nodes] for step in by_event.steps] == [
        ["page_view"],
        ["scroll"],
        ["page_view"],
        [END],
    ]


def test_no_events() -> None:
    answer = ask(view_of(), steps=2)
    assert (answer.sessions, steps(answer)) == (0, [({}, {}), ({}, {})])


VISITS = st.lists(st.lists(st.sampled_from(["/a", "/b", "/c", "/d"]), min_size=1, max_size=7), max_size=7)


@given(VISITS, st.sampled_from(["", "/a", "/b"]), st.booleans(), st.integers(2, 5), st.integers(1, 3))
def test_paths_are_those_that_plain_python_counts(
    visits: list[list[str]], point: str, back: bool, size: int, limit: int
) -> None:
    events = [event for number, paths in enumerate(visits, 1) for event in visit(number, *paths)]
    answer = ask(
        FrameView(built(events)),
        point=on(point) if point else None,
        direction="backward" if back else "forward",
        steps=size,
        limit=limit,
    )
    sessions, expected = slowly(visits, point, BEGINNING if back else END, size, limit, back=back)
    assert (answer.sessions, steps(answer)) == (sessions, expected)


def slowly(
    visits: list[list[str]], point: str, nothing: str, size: int, limit: int, *, back: bool
) -> tuple[int, list[Step]]:
    ways = []
    for paths in visits:
        ordered = paths[::-1] if back else paths
        at = ordered.index(point) if point in ordered else (0 if not point else None)
        if at is not None:
            rest = ordered[at:]
            stops = [path for n, path in enumerate(rest) if n == 0 or rest[n - 1] != path]
            ways.append((stops + [nothing] * size)[:size])
    shown = []
    for place in range(size):
        counts = Counter(way[place] for way in ways if way[place] != nothing)
        kept = sorted(counts, key=lambda value: (-counts[value], value))[:limit]
        shown.append([way[place] if way[place] in (*kept, nothing) else MORE for way in ways])
    links: list[dict[tuple[str, str], int]] = [defaultdict(int) for _ in range(size)]
    for place in range(size - 1):
        for pair in zip(shown[place], shown[place + 1], strict=True):
            links[place][pair] += 1
    return len(ways), [(dict(Counter(values)), dict(link)) for values, link in zip(shown, links, strict=True)]


def test_the_example_of_the_manual() -> None:
    text = (MANUAL / "reports.md").read_text().split("## Paths")[1]
    request = parse(json.loads(text.split("```json")[1].split("```")[0]))
    answer = render(run(request, view_of(*visit(1, "/", "/pricing", "/buy")), NOW))
    assert [step["nodes"][0]["value"] for step in answer["steps"]] == ["/pricing", "/buy", END, END]


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"steps": 1}, "it must have 2 to 10"),
        ({"steps": 11}, "it must have 2 to 10"),
        ({"limit": 101}, "between 1 and 100"),
        ({"dimension": "pagepath"}, "Did you mean pagePath"),
        ({"point": {"type": "string", "field": "sessions", "value": "1"}}, "is a metric"),
        ({"direction": "up"}, "direction"),
    ],
)
def test_bad_requests_are_answered_with_advice(changes: dict[str, Any], advice: str) -> None:
    body = {"kind": "paths", "date_range": {"start": "30daysAgo", "end": "today"}}
    with pytest.raises(ReportError, match=advice):
        run(parse({**body, **changes}), view_of(), NOW)
