"""Marks the key events that owners define, and gives them a value."""

from decimal import Decimal
from functools import reduce

import polars as pl

from configuration.ruleset.fields import PARAMETER
from configuration.ruleset.ruleset import AllOf, Condition, KeyEventRule, Ruleset, Text
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.custom_values import LARGEST, MILLIONTHS, number


def key_events(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """The rules add to the events that the client marks. The first rule that matches an event sets its value."""
    own: list[KeyEventRule] = rules.of_kind(KeyEventRule)
    if not own:
        return frame
    matcher = Matcher(frame)
    masks = [matcher.mask(_condition(rule)) for rule in own]
    every = [mask for rule, mask in zip(own, masks, strict=True) if rule.once == "event"]
    once = [(_bit(rule), mask) for rule, mask in zip(own, masks, strict=True) if rule.once == "session"]
    return frame.with_columns(
        key_event=reduce(lambda a, b: a | b, every, frame["key_event"]),
        once=_bits(once, frame["once"]),
        key_value=_values(own, masks, matcher),
    )


def _condition(rule: KeyEventRule) -> Condition:
    named = Text("event", "equals", rule.event, case_sensitive=True)
    return named if rule.when is None else AllOf((named, rule.when))


def _bit(rule: KeyEventRule) -> int:
    if rule.slot is None:
        raise ValueError(f"the key event {rule.name!r} was published without a slot")
    return 1 << rule.slot


def _bits(once: list[tuple[int, pl.Series]], before: pl.Series) -> pl.Series:
    """Adds a bit per rule that counts once a session; null where there is none."""
    bits = before.fill_null(0)
    for bit, mask in once:
        bits = bits | pl.select(pl.when(mask).then(pl.lit(bit, dtype=pl.UInt64)).otherwise(0)).to_series()
    return pl.select(pl.when(bits != 0).then(bits)).to_series()


def _values(own: list[KeyEventRule], masks: list[pl.Series], matcher: Matcher) -> pl.Series:
    """Returns millionths; 0 if no rule matches, or if the first that does sets no value."""
    values = [pl.when(mask).then(_value(rule, matcher)) for rule, mask in zip(own, masks, strict=True)]
    return pl.select(pl.coalesce(*values, pl.lit(0, dtype=pl.Int64))).to_series()


def _value(rule: KeyEventRule, matcher: Matcher) -> pl.Expr:
    value = min(int(Decimal(rule.value or 0) * MILLIONTHS), LARGEST)
    fixed = pl.lit(value, dtype=pl.Int64)
    if not rule.value_parameter:
        return fixed
    sent = matcher.column(f"{PARAMETER}{rule.value_parameter}")
    return pl.coalesce(pl.lit(sent.rows(pl.select(number(pl.lit(sent.values))).to_series())), fixed)
