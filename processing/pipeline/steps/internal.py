"""Rejects hits of the owner's own people."""

import polars as pl

from configuration.ruleset.ruleset import AnyOf, Condition, InNetwork, InternalRule, Ruleset, Text
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.row_ops import reject_by_rule


def internal(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    own = rules.of_kind(InternalRule)
    if not own:
        return frame
    number = Matcher(frame).first([_condition(rule) for rule in own])
    return reject_by_rule(frame, "internal", number, [rule.name for rule in own])


def _condition(rule: InternalRule) -> Condition:
    """The hit comes from one of the networks, or has exactly this traffic type."""
    networks = (InNetwork(rule.networks),) if rule.networks else ()
    kind = (Text("traffic_type", "equals", rule.traffic_type, case_sensitive=True),) if rule.traffic_type else ()
    return AnyOf((*networks, *kind))
