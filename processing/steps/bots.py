"""What a program asked for is not a visit."""

import polars as pl

from configuration.rules import Context, PropertySettings
from processing.agents import is_robot
from processing.frames import look_up, refuse


def bots(frame: pl.DataFrame, settings: PropertySettings, context: Context) -> pl.DataFrame:
    found = look_up(frame, [pl.col("user_agent")], {"robot": pl.Boolean()}, lambda agent: (is_robot(agent or ""),))
    robot = found["robot"]
    return refuse(frame, (pl.lit(robot), "bot")) if robot.any() else frame
