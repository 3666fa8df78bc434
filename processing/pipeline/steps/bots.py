"""What a program asked for is not a visit. The owner's own rules come before the lists."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import BotRule, Condition, Ruleset, Text
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.lookups.user_agents import LONGEST, is_robot
from processing.pipeline.row_ops import look_up, refuse, refuse_by_rule

AGENT: Final = pl.col("user_agent").str.slice(0, LONGEST)
FOUND: Final = {"robot": pl.Boolean()}


def bots(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """An agent that is allowed is none, whatever else is said; a rule that blocks is named, also beside the lists."""
    own = rules.of_kind(BotRule)
    if not own:
        return _by_lists(frame) if rules.settings.bot_lists else frame
    matcher = Matcher(frame)
    allowed = matcher.first([_condition(rule) for rule in own if rule.action == "allow"]).is_not_null()
    blocking = [rule for rule in own if rule.action == "block"]
    blocked = _null_where(allowed, matcher.first([_condition(rule) for rule in blocking]))
    found = refuse_by_rule(frame, "bot", blocked, [rule.name for rule in blocking])
    return _by_lists(found, allowed) if rules.settings.bot_lists else found


def find_robot(user_agent: str | None) -> tuple[bool]:
    return (is_robot(user_agent or ""),)


def _by_lists(frame: pl.DataFrame, allowed: pl.Series | None = None) -> pl.DataFrame:
    robot = look_up(frame, [AGENT], FOUND, find_robot)["robot"]
    if allowed is not None:
        robot = robot & ~allowed
    return refuse(frame, (pl.lit(robot), "bot")) if robot.any() else frame


def _condition(rule: BotRule) -> Condition:
    return Text("user_agent", rule.test, rule.user_agent)


def _null_where(mask: pl.Series, numbers: pl.Series) -> pl.Series:
    return pl.select(pl.when(~mask).then(numbers)).to_series()
