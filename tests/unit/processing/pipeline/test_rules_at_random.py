"""Random rules on random hits: the steps do what plain Python does, row by row, however the rows are split."""

from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote_plus

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from configuration.ruleset.ruleset import (
    BotRule,
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InternalRule,
    KeyEventRule,
    NamedGroup,
    RewriteRule,
    Rule,
    Ruleset,
    SpamRule,
)
from processing.pipeline.process import Processed, process
from tests.support import oracle_rules
from tests.support.oracle_rules import Outcome, Row
from tests.support.random_conditions import ADDRESSES, NETWORKS, conditions
from tests.support.raw_rows import CHROME, ga4, raw, ruled

T = TypeVar("T")
AGENTS: Final = (CHROME, CHROME, "curl/8.5")
REFERRERS: Final = {
    None: "",
    "https://semalt.com/": "semalt.com",
    "https://a.bad.example/x": "a.bad.example",
    "https://ok.example/": "ok.example",
}
PATHS: Final = ("/", "/a", "/A/b", "/b.c")
QUERIES: Final = ("", "a=1", "B=2&a=1", "x%5B%5D=1&a")
EVENTS: Final = ("page_view", "a", "B")
PLANS: Final = ("", "a", "B", "10", "1.5", "x y", "z%26", "nan")
FIELDS: Final = ["event", "path", "query", "source", "medium", "title", "parameter:plan", "user_property:plan"]
LITERAL: Final = ("", "/b", "$1")
REWRITTEN: Final = ("event", "path", "query", "source", "medium")


@st.composite
def events(draw: st.DrawFn, position: int) -> tuple[dict[str, Any], Row]:
    """A raw row, and its fields."""
    agent, referrer = draw(st.sampled_from(AGENTS)), draw(st.sampled_from(list(REFERRERS)))
    path, query, event = (draw(st.sampled_from(each)) for each in (PATHS, QUERIES, EVENTS))
    source, medium = draw(st.sampled_from([("a", "B"), ("x y", "é"), ("/A/b", "page_view")]))
    plan, tier = draw(st.sampled_from(PLANS)), draw(st.sampled_from(PLANS))
    title, address = draw(st.sampled_from([None, "a", "/a b"])), draw(st.sampled_from([None, *ADDRESSES]))
    kind = draw(st.sampled_from([None, "a", "internal"]))
    rest = f"v=2&ep.plan={quote_plus(plan)}&up.plan={quote_plus(tier)}"
    named = {"cs": source, "cm": medium, "user_agent": agent, "dr": referrer, "dt": title, "tt": kind, "rest": rest}
    row = ga4(position, en=event, dl=f"https://example.org{path}?{query}", address=address, **named)
    row |= {"_ss": draw(st.sampled_from([None, None, "1"]))}
    known = {"event": event, "path": path, "query": query or None, "source": source, "medium": medium, "title": title}
    known |= {"user_agent": agent, "referrer_host": REFERRERS[referrer], "address": address, "traffic_type": kind}
    return row, {**known, "parameter:plan": plan, "user_property:plan": tier}


def kinds() -> dict[str, st.SearchStrategy[Rule]]:
    when, maybe = conditions(FIELDS), st.none() | conditions(FIELDS)
    word = st.sampled_from(["a", "B", "/a", "page_view", "x"])
    later = conditions([*FIELDS, "content_group:g0", "content_group:g9"])
    parts = st.lists(st.builds(NamedGroup, word, later), min_size=1, max_size=3).map(tuple)
    domains = st.lists(st.sampled_from(["bad.example", "a.bad.example", "semalt.com"]), min_size=1).map(tuple)
    networks = st.lists(st.sampled_from(NETWORKS), max_size=2).map(tuple)
    field = st.sampled_from(REWRITTEN)
    return {
        "b": st.builds(
            BotRule,
            action=st.sampled_from(["allow", "block"]),
            user_agent=st.sampled_from(["curl", "CHROME", "8.5"]),
            test=st.sampled_from(["contains", "begins", "ends"]),
        ),
        "s": st.builds(SpamRule, domains=domains),
        "i": st.builds(InternalRule, networks=networks, traffic_type=st.sampled_from(["a", "internal"])),
        "l": st.builds(RewriteRule, field=field, change=st.just("lower_case"), when=maybe),
        "r": st.builds(
            RewriteRule,
            field=field,
            change=st.just("replace"),
            search=word,
            replacement=st.sampled_from(LITERAL),
            when=maybe,
        ),
        "p": st.builds(
            RewriteRule,
            field=field,
            change=st.just("replace"),
            search=st.sampled_from(["(a)", "^/(A|B)", "(.+)b"]),
            replacement=st.sampled_from(["", "x${1}y", "$1"]),
            pattern=st.just(True),
            when=maybe,
        ),
        "d": st.builds(
            RewriteRule,
            field=st.just("query"),
            change=st.just("drop_parameters"),
            parameters=st.lists(st.sampled_from(["a", "B", "x[]"]), min_size=1).map(tuple),
            keep_only=st.booleans(),
            when=maybe,
        ),
        "g": st.builds(ContentGroupRule, groups=parts, otherwise=st.sampled_from(["", "else"])),
        "f": st.builds(FilterRule, action=st.sampled_from(["include", "exclude", "exclude"]), when=when | later),
        "c": st.builds(ChannelGroupRule, channels=parts),
        "k": st.builds(
            KeyEventRule,
            event=st.sampled_from(EVENTS),
            when=st.none() | later,
            once=st.sampled_from(["event", "session"]),
            value=st.sampled_from(["", "2.5"]),
            value_parameter=st.sampled_from(["", "plan"]),
        ),
        "e": st.builds(CustomDimensionRule, parameter=st.just("plan"), scope=st.sampled_from(["event", "user"])),
        "m": st.builds(CustomMetricRule, parameter=st.just("plan")),
    }


OFFERED: Final = kinds()  # once, since looking at the rules' types is slow


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    rules = []
    for number, letter in enumerate(draw(st.lists(st.sampled_from(sorted(OFFERED)), max_size=6))):
        changes: dict[str, Any] = {
            "name": f"{letter}{number}",
            "state": draw(st.sampled_from(["on", "on", "on", "off", "testing"])),
        }
        if letter == "k":
            changes["slot"] = number
        rules.append(_replace(draw(OFFERED[letter]), **changes))
    lists = {"bot_lists": draw(st.booleans()), "spam_list": draw(st.booleans())}
    return ruled(*rules, **lists)


def _replace(rule: T, **changes: Any) -> T:
    return type(rule)(**{**{name: getattr(rule, name) for name in rule.__struct_fields__}, **changes})  # type: ignore[attr-defined]


@settings(deadline=None, max_examples=60)
@given(st.data(), rulesets())
def test_it_works(data: st.DataObject, rules: Ruleset) -> None:
    drawn = [data.draw(events(position)) for position in range(data.draw(st.integers(1, 6)))]
    expected = [expect(known, rules) for _, known in drawn]
    found = process(raw([row for row, _ in drawn]), rules)
    refused = {row["position"]: (row["reason"], row["rule"]) for row in found.rejected.iter_rows(named=True)}
    assert refused == {n: (each.reason, each.rule) for n, each in enumerate(expected) if each.reason}
    own = found.events.filter(pl.col("index") >= 2).sort("position")
    assert [facts(row) for row in own.iter_rows(named=True)] == [
        wanted(n, each) for n, each in enumerate(expected) if not each.reason
    ]


def expect(known: Row, rules: Ruleset) -> Outcome:
    robot = known["user_agent"] != CHROME
    return oracle_rules.outcome(known, rules, robot=robot, spammer=known["referrer_host"] == "semalt.com")


def wanted(position: int, expected: Outcome) -> dict[str, Any]:
    row = {field: expected.row[field] for field in REWRITTEN}
    views = {"page_view": row["event"] == "page_view"}
    key = {"key_event": expected.key_event, "once": expected.once, "key_value": expected.key_value}
    return {"position": position, **row, **views, **key, "groups": expected.groups, "custom": expected.custom}


def facts(row: dict[str, Any]) -> dict[str, Any]:
    named = {name: row[name] for name in ("position", *REWRITTEN, "page_view", "key_event", "key_value")}
    decoded = {name: dict(parse_qsl(row[name] or "")) for name in ("groups", "custom")}
    return {**named, "once": row["once"] or 0, **decoded}


@settings(deadline=None, max_examples=25)
@given(st.data(), rulesets(), st.randoms(use_true_random=False))
def test_split_and_order_change_nothing(data: st.DataObject, rules: Ruleset, random: Any) -> None:
    rows = [data.draw(events(position))[0] for position in range(data.draw(st.integers(1, 8)))]
    whole = process(raw(rows), rules)
    random.shuffle(rows)
    cut = random.randrange(len(rows) + 1)
    parts = [process(raw(half), rules) for half in (rows[:cut], rows[cut:])]
    _assert_same(whole, [part for part in parts if part])


def _assert_same(whole: Processed, parts: list[Processed]) -> None:
    events = pl.concat([part.events for part in parts])
    rejected = pl.concat([part.rejected for part in parts])
    assert_frame_equal(whole.events.sort("position", "index"), events.sort("position", "index"))
    assert_frame_equal(whole.rejected.sort("position"), rejected.sort("position"))
