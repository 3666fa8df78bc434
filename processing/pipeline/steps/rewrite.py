"""Applies the owner's rewrites, which give one thing that comes under several names a single name."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import AllOf, AnyOf, Condition, InNetwork, RewriteRule, Ruleset
from processing.pipeline.conditions.dictionary_column import dictionary_encode
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.lookups.default_channels import default_channel
from processing.pipeline.lookups.event_names import implied_by_name
from processing.pipeline.rewrites import make_rewrite, restore_missing
from processing.pipeline.row_ops import look_up

ORIGIN: Final = ("source", "medium", "campaign")
CHANNEL: Final = {"channel": pl.String()}


def rewrite(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Applies the rules in their order, each to the result of those before it; then derives dependent columns again."""
    own: list[RewriteRule] = rules.of_kind(RewriteRule)
    if not own:
        return frame
    matcher, origin_changed = Matcher(frame), False
    for rule in own:
        if origin_changed and _depends_on_channel(rule.when):
            matcher.put("channel", dictionary_encode(_channels(_written(frame, matcher, {*ORIGIN}))))
        matcher.change(rule.field, rule.when, make_rewrite(rule))
        origin_changed = origin_changed or rule.field in ORIGIN
    changed = {rule.field for rule in own}
    return _with_dependent(_written(frame, matcher, changed), changed)


def _written(frame: pl.DataFrame, matcher: Matcher, fields: set[str]) -> pl.DataFrame:
    return frame.with_columns(
        restore_missing(field, frame[field], matcher.column(field).rows()) for field in sorted(fields)
    )


def _with_dependent(frame: pl.DataFrame, changed: set[str]) -> pl.DataFrame:
    if "event" in changed:
        frame = frame.with_columns(**implied_by_name(pl.col("event")))
    return frame.with_columns(_channels(frame)) if changed.intersection(ORIGIN) else frame


def _channels(frame: pl.DataFrame) -> pl.Series:
    return look_up(frame, [pl.col(name) for name in ORIGIN], CHANNEL, _channel)["channel"]


def _channel(*origin: str) -> tuple[str]:
    return (default_channel(*origin),)


def _depends_on_channel(condition: Condition | None) -> bool:
    if isinstance(condition, AllOf | AnyOf):
        return any(_depends_on_channel(part) for part in condition.of)
    return condition is not None and not isinstance(condition, InNetwork) and condition.field == "channel"
