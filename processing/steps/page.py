"""Which page an event is about: host and path of its address. Whatever the client wrote is text: cut, not cleaned."""

from typing import Final

import polars as pl

from configuration.ruleset import Ruleset
from processing.addresses import host_of, parts, path_of, without_query
from processing.frames import look_up

KEYS: Final = (without_query(pl.coalesce("dl", "target")), pl.col("dh"), without_query(pl.col("dp")))
FOUND: Final = {"host": pl.String(), "path": pl.String()}


def page(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """`dh` and `dp` win over `dl`; a log's lines name no host, so the property's first domain stands for it."""
    return _with_log_host(frame.hstack(look_up(frame, KEYS, FOUND, find_page)), rules)


def find_page(address: str | None, dh: str | None, dp: str | None) -> tuple[str | None, str | None]:
    """Host and path, null where the client names none. There is no cache: taking apart is as quick as looking up."""
    host, path = parts(address) if address is not None else (None, None)
    return host_of(dh or "") or host, path_of(dp) if dp else path


def _with_log_host(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    from_log = frame["protocol"] == "access_log"
    if not rules.basics.domains or not from_log.any():
        return frame
    own = pl.when(from_log).then(pl.lit(rules.basics.domains[0].lower()))
    return frame.with_columns(host=pl.coalesce("host", own))
