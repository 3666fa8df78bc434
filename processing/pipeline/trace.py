"""Traces what each step and each rule does to one event.

The steps are run one after the other. The effect of a rule is the difference between its step with the rules above it
and with these and the rule.
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
from processing.pipeline.process import STEPS, Step, add_undecided_columns
from processing.pipeline.steps.commerce import ITEMS_COLUMN

# The kinds of rules that act in each step.
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
HIDDEN_COLUMNS: Final = ("reason", "rule", "index")

Fact = str | int | float | bool | None


class ColumnChange(NamedTuple):
    column: str
    before: Fact
    after: Fact


class RuleTrace(NamedTuple):
    """The effect of a rule after those above it; of a rule in state `testing`, the effect that it would have."""

    kind: str
    name: str
    state: str
    refused: bool
    changes: tuple[ColumnChange, ...]

    @property
    def acts(self) -> bool:
        return self.refused or bool(self.changes)


class StepTrace(NamedTuple):
    """`refused` is the reason why the event is rejected in this step, null if it is not."""

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
    """Traces each row by itself. `raw` has schema.RAW and belongs to one property."""
    return [_trace(raw[number], rules) for number in range(raw.height)]


def _trace(row: pl.DataFrame, rules: Ruleset) -> EventTrace:
    frame, steps = add_undecided_columns(row), list[StepTrace]()
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
    """Runs the step with each rule and those above it that are on, and compares it with these alone."""
    above: list[Rule] = []
    without = step.function(before, _with_rules(rules, step, above))
    for rule in rules.rules:
        if not isinstance(rule, ACTING[step.name]) or rule.state == "off":
            continue
        together = step.function(before, _with_rules(rules, step, [*above, msgspec.structs.replace(rule, state="on")]))
        refused = without["reason"].item() is None and together["reason"].item() is not None
        yield RuleTrace(kind_of(rule), rule.name, rule.state, refused, _changes(without, together))
        if rule.state == "on":
            above, without = [*above, rule], together


def _with_rules(rules: Ruleset, step: Step, acting: list[Rule]) -> Ruleset:
    """Returns the ruleset with only these rules in the step; rules of other steps stay."""
    others = [rule for rule in rules.rules if not isinstance(rule, ACTING[step.name])]
    return msgspec.structs.replace(rules, rules=(*others, *acting))


def _changes(before: pl.DataFrame, after: pl.DataFrame) -> tuple[ColumnChange, ...]:
    was, now = _facts(before), _facts(after)
    names = [name for name in now if name not in HIDDEN_COLUMNS and was.get(name) != now[name]]
    return tuple(ColumnChange(name, was.get(name), now[name]) for name in names)


def _facts(frame: pl.DataFrame) -> dict[str, Fact]:
    return dict(frame.drop(ITEMS_COLUMN).row(0, named=True))
