"""Sorts hits into the owner's own channel groups."""

import polars as pl

from configuration.ruleset.ruleset import ChannelGroupRule, Ruleset
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.custom_values import join, pair


def channel_groups(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Fills `groups` with the first channel of each group whose condition holds."""
    own = rules.of_kind(ChannelGroupRule)
    if not own:
        return frame
    matcher = Matcher(frame)
    return frame.with_columns(groups=join(*(pl.lit(_channel(rule, matcher)) for rule in own)))


def _channel(rule: ChannelGroupRule, matcher: Matcher) -> pl.Series:
    """Returns `group=channel` for each row."""
    number = matcher.first([part.when for part in rule.channels]).fill_null(len(rule.channels))
    names = pl.Series([*(part.name for part in rule.channels), rule.otherwise], dtype=pl.String)
    return pl.select(pair(rule.name, pl.lit(names))).to_series().gather(number)
