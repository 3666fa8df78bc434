"""Receiving in another process, for hits that may end it."""

from typing import cast

import polars as pl

from configuration.ruleset.context import Context
from processing.engine import open_engine
from processing.ingest.geoip import GeoDatabase
from processing.ingest.receive import Entries, receive
from processing.ingest.visitor_keys import VisitorKeyFactory


def receive_in_subprocess(
    entries: Entries, context: Context, keys: VisitorKeyFactory, places: GeoDatabase
) -> dict[int, pl.DataFrame]:
    """Like `receive`. Raises TaskFailed where the process died, again and again; else what `receive` raises."""
    engine = open_engine("processes://1")
    try:
        ((_, outcome),) = engine.run(_outcome, [(entries, context, keys, places)], lambda: False)
    finally:
        engine.close()
    if isinstance(outcome, Exception):
        raise outcome
    return cast(dict[int, pl.DataFrame], outcome)


def _outcome(task: tuple[Entries, Context, VisitorKeyFactory, GeoDatabase]) -> object:
    """An error is a value, so that it keeps its type on its way."""
    try:
        return receive(*task)
    except Exception as error:  # noqa: BLE001 - who asked decides
        return error
