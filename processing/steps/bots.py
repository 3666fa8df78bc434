"""What a program asked for is not a visit."""

import polars as pl

from configuration.rules import Context, PropertySettings
from processing.agents import is_robot
from processing.frames import derive, refuse


def bots(frame: pl.DataFrame, settings: PropertySettings, context: Context) -> pl.DataFrame:
    told = derive(frame, ["user_agent"], {"robot": pl.Boolean()}, lambda agent: (is_robot(agent or ""),))
    return refuse(told, (pl.col("robot"), "bot")).drop("robot")
