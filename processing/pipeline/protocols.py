"""Conditions on the column `protocol` of raw rows, from the records of the protocols."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from collection.protocols import GA4, PROTOCOLS, Protocol


def came_by(protocols: Iterable[Protocol]) -> pl.Expr:
    return pl.any_horizontal([pl.col("protocol").eq(protocol.name) for protocol in protocols])


IS_GA4: Final = came_by([PROTOCOLS[GA4]])
IS_SERVER_LOG: Final = came_by(protocol for protocol in PROTOCOLS.values() if protocol.is_server_log)
LACKS_ENGAGEMENT_SIGNALS: Final = came_by(
    protocol for protocol in PROTOCOLS.values() if not protocol.has_engagement_signals
)
