"""Receives in another process, for hits that may end it."""

from typing import cast

from configuration.ruleset.context import Context
from processing.engine import open_engine
from processing.ingest.decode import Hits
from processing.ingest.geoip import GeoDatabase
from processing.ingest.receive import ReceivedRows, receive
from processing.ingest.visitor_keys import VisitorKeyFactory


def receive_in_subprocess(
    hits: Hits, context: Context, key_factory: VisitorKeyFactory, geo: GeoDatabase
) -> ReceivedRows:
    """Does the same as `receive`. Raises TaskFailed if the process died each time it was tried."""
    engine = open_engine("processes://1")
    try:
        ((_, outcome),) = engine.run(_receive_or_error, [(hits, context, key_factory, geo)], lambda: False)
    finally:
        engine.close()
    if isinstance(outcome, Exception):
        raise outcome
    return cast(ReceivedRows, outcome)


def _receive_or_error(task: tuple[Hits, Context, VisitorKeyFactory, GeoDatabase]) -> object:
    """Returns an error instead of raising it, so that it keeps its type on its way to the other process."""
    try:
        return receive(*task)
    except Exception as error:  # noqa: BLE001 - the caller decides what to do about it
        return error
