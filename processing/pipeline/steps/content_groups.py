"""Sorts pages into the owner's content groups, such as the sections of a site."""

import polars as pl

from configuration.ruleset.fields import CONTENT_GROUP
from configuration.ruleset.ruleset import ContentGroupRule, Ruleset
from processing.pipeline.conditions.dictionary_column import DictionaryColumn
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.custom_values import GROUP, join, pair


def content_groups(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Adds the groups to `custom`, in the order of the rules: a condition may name the content groups above it."""
    own = rules.of_kind(ContentGroupRule)
    if not own:
        return frame
    matcher, encoded = Matcher(frame), list[pl.Series]()
    for rule in own:
        group = _group(rule, matcher)
        matcher.put(f"{CONTENT_GROUP}{rule.name}", group)
        encoded.append(group.rows(pl.select(pair(GROUP + rule.name, pl.lit(group.values))).to_series()))
    return frame.with_columns(custom=join(pl.col("custom"), *map(pl.lit, encoded)))


def _group(rule: ContentGroupRule, matcher: Matcher) -> DictionaryColumn:
    """Returns the name of the first group whose condition holds, else the rule's `otherwise`."""
    number = matcher.first([part.when for part in rule.groups]).fill_null(len(rule.groups))
    return DictionaryColumn(pl.Series([*(part.name for part in rule.groups), rule.otherwise], dtype=pl.String), number)
