"""Rejects events that the owner's filters exclude."""

import polars as pl

from configuration.ruleset.ruleset import AllOf, Condition, FilterRule, Ruleset
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.row_ops import reject_by_rule


def filters(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """If several rules reject an event, the first is named."""
    own = rules.of_kind(FilterRule)
    if not own:
        return frame
    number = Matcher(frame).first([_condition(rule) for rule in own])
    return reject_by_rule(frame, "filter", number, [rule.name for rule in own])


def _condition(rule: FilterRule) -> Condition:
    return rule.when if rule.action == "exclude" else AllOf((rule.when,), negated=True)
