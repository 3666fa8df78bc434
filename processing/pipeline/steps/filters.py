"""The owner decides which events are worth counting."""

import polars as pl

from configuration.ruleset.ruleset import AllOf, Condition, FilterRule, Ruleset
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.row_ops import refuse_by_rule


def filters(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Of the rules that refuse an event the first is named."""
    own = rules.of_kind(FilterRule)
    if not own:
        return frame
    number = Matcher(frame).first([_refuses(rule) for rule in own])
    return refuse_by_rule(frame, "filter", number, [rule.name for rule in own])


def _refuses(rule: FilterRule) -> Condition:
    return rule.when if rule.action == "exclude" else AllOf((rule.when,), negated=True)
