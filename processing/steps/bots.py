"""What a program asked for is not a visit."""

from typing import Final

import polars as pl

from configuration.ruleset import Ruleset
from processing.agents import LONGEST, is_robot
from processing.frames import look_up, refuse

AGENT: Final = pl.col("user_agent").str.slice(0, LONGEST)
FOUND: Final = {"robot": pl.Boolean()}


def bots(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    robot = look_up(frame, [AGENT], FOUND, find_robot)["robot"]
    return refuse(frame, (pl.lit(robot), "bot")) if robot.any() else frame


def find_robot(user_agent: str | None) -> tuple[bool]:
    return (is_robot(user_agent or ""),)
