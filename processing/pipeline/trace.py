"""What each step and each rule does to one event: the steps themselves, run one after the other, and each rule of a
step beside the rules above it.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import (
    BotRule,
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InternalRule,
    KeyEventRule,
    ReferralRule,
    RewriteRule,
    Rule,
    Ruleset,
    SpamRule,
)
from processing.pipeline.process import STEPS, Step, undecided

# Which rules act in which step.
ACTING: Final[dict[str, tuple[type[Any], ...]]] = {
    "bots": (BotRule,),
    "source": (ReferralRule,),
    "rewrite": (RewriteRule,),
    "spam": (SpamRule,),
    "internal": (InternalRule,),
    "filters": (FilterRule,),
    "channel_groups": (ChannelGroupRule,),
    "content_groups": (ContentGroupRule,),
    "key_events": (KeyEventRule,),
    "custom": (CustomDimensionRule, CustomMetricRule),
}
UNTOLD: Final = ("reason", "rule", "index")

Fact = str | int | float | bool | None


class ColumnChange(NamedTuple):
    column: str
    before: Fact
    after: Fact


class RuleTrace(NamedTuple):
    """What a rule does here, after those above it; a `testing` one: what it would do."""

    kind: str
    name: str
    state: str
    refused: bool
    changes: tuple[ColumnChange, ...]

    @property
    def acts(self) -> bool:
        return self.refused or bool(self.changes)


class StepTrace(NamedTuple):
    """`refused` is the reason for which the event goes no further."""

    step: str
    why: str
    refused: str | None
    changes: tuple[ColumnChange, ...]
    rules: tuple[RuleTrace, ...]


class EventTrace(NamedTuple):
    event: int  # which event of the hit
    steps: tuple[StepTrace, ...]
    facts: dict[str, Fact]

    @property
    def refused(self) -> str | None:
        return self.steps[-1].refused


def trace(raw: pl.DataFrame, rules: Ruleset) -> list[EventTrace]:
    """`raw` has schema.RAW and belongs to one property; each row is traced by itself."""
    return [_trace(raw[number], rules) for number in range(raw.height)]


def _trace(row: pl.DataFrame, rules: Ruleset) -> EventTrace:
    frame, steps = undecided(row), list[StepTrace]()
    for step in STEPS:
        after = step.function(frame, rules).tail(1)  # implied events come before the event's own row
        steps.append(_step(step, frame, after, rules))
        frame = after
        if steps[-1].refused:
            break
    return EventTrace(row["index"].item(), tuple(steps), _facts(frame))


def _step(step: Step, before: pl.DataFrame, after: pl.DataFrame, rules: Ruleset) -> StepTrace:
    acting = tuple(_rules(step, before, rules)) if step.name in ACTING else ()
    return StepTrace(step.name, step.reason, after["reason"].item(), _changes(before, after), acting)


def _rules(step: Step, before: pl.DataFrame, rules: Ruleset) -> Iterator[RuleTrace]:
    """Each rule of the step, together with the ones above it that are on, compared with those alone."""
    above: list[Rule] = []
    found = step.function(before, _with(rules, step, above))
    for rule in rules.rules:
        if not isinstance(rule, ACTING[step.name]) or rule.state == "off":
            continue
        together = step.function(before, _with(rules, step, [*above, msgspec.structs.replace(rule, state="on")]))
        refused = found["reason"].item() is None and together["reason"].item() is not None
        yield RuleTrace(kind_of(rule), rule.name, rule.state, refused, _changes(found, together))
        if rule.state == "on":
            above, found = [*above, rule], together


def _with(rules: Ruleset, step: Step, acting: list[Rule]) -> Ruleset:
    """The ruleset with these rules in the step, and all others as they are."""
    others = [rule for rule in rules.rules if not isinstance(rule, ACTING[step.name])]
    return msgspec.structs.replace(rules, rules=(*others, *acting))


def _changes(before: pl.DataFrame, after: pl.DataFrame) -> tuple[ColumnChange, ...]:
    was, now = _facts(before), _facts(after)
    names = [name for name in now if name not in UNTOLD and was.get(name) != now[name]]
    return tuple(ColumnChange(name, was.get(name), now[name]) for name in names)


def _facts(frame: pl.DataFrame) -> dict[str, Fact]:
    return dict(frame.row(0, named=True))
