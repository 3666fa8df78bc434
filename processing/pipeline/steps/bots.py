"""Rejects hits of programs. The owner's own rules come before the lists."""

from typing import Final

import polars as pl

from configuration.ruleset.ruleset import BotRule, Condition, Ruleset, Text
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.lookups.user_agents import LONGEST, is_robot, names_browser
from processing.pipeline.protocols import IS_SERVER_LOG
from processing.pipeline.row_ops import look_up, reject, reject_by_rule

AGENT: Final = pl.col("user_agent").str.slice(0, LONGEST)
FACTS: Final = {"robot": pl.Boolean(), "nameless": pl.Boolean()}


def bots(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """An allowed user agent is never rejected. If a rule blocks it, the rule is named even if the lists have it too.

    A line of an access log also comes from a program if its user agent names no browser. A tracker's hit need not name
    one: a script in a page has sent it, or a server or an app that speaks for its user.
    """
    own = rules.of_kind(BotRule)
    if not own:
        return _by_lists(frame) if rules.settings.bot_lists else frame
    matcher = Matcher(frame)
    allowed = matcher.first([_condition(rule) for rule in own if rule.action == "allow"]).is_not_null()
    blocking = [rule for rule in own if rule.action == "block"]
    blocked = _null_where(allowed, matcher.first([_condition(rule) for rule in blocking]))
    decided = reject_by_rule(frame, "bot", blocked, [rule.name for rule in blocking])
    return _by_lists(decided, allowed) if rules.settings.bot_lists else decided


def find_robot(user_agent: str | None) -> tuple[bool, bool]:
    """Returns whether the user agent is on the lists, and whether it names no browser."""
    text = user_agent or ""
    return is_robot(text), not names_browser(text)


def _by_lists(frame: pl.DataFrame, allowed: pl.Series | None = None) -> pl.DataFrame:
    facts = look_up(frame, [AGENT], FACTS, find_robot)
    robot = facts["robot"]
    if facts["nameless"].any():
        robot |= facts["nameless"] & frame.select(IS_SERVER_LOG.fill_null(value=False)).to_series()
    if allowed is not None:
        robot = robot & ~allowed
    return reject(frame, (pl.lit(robot), "bot")) if robot.any() else frame


def _condition(rule: BotRule) -> Condition:
    return Text("user_agent", rule.test, rule.user_agent)


def _null_where(mask: pl.Series, numbers: pl.Series) -> pl.Series:
    return pl.select(pl.when(~mask).then(numbers)).to_series()
