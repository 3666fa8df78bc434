"""Raw rows for tests of the steps: what matters is named, the rest has defaults."""

from collections.abc import Iterable
from typing import Any, Final

import polars as pl
from msgspec import structs

from configuration.ruleset.context import ReceiveSettings
from configuration.ruleset.ruleset import Rule, Ruleset, plain_ruleset
from processing.pipeline.process import STEPS, Processed, StepFunction, add_undecided_columns, process
from processing.schema import RAW

CHROME: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
SITE: Final = ReceiveSettings(id=1, measurement_id="G-ABCDEFGHIJ", domains=("example.org",))
RULES: Final = plain_ruleset(SITE)
SHARED: Final[dict[str, Any]] = {
    "index": 0,
    "time": 1_794_312_000_000,
    "received_us": 1_794_312_000_000_000,
    "stable": True,
    "visitor": 7,
    "sequence": 1,
    "user_agent": CHROME,
}
GA4: Final[dict[str, Any]] = {"protocol": "ga4", "en": "page_view", "dl": "https://example.org/", "rest": "v=2&tid=G-X"}
LINE: Final[dict[str, Any]] = {
    "protocol": "access_log",
    "method": "GET",
    "status": "200",
    "target": "/",
    "dl": "/",
    "rest": "version=HTTP/1.1",
}


def ga4(position: int = 1, **named: Any) -> dict[str, Any]:
    return {**SHARED, **GA4, "position": position, "hit": position, **named}


def line(position: int = 1, target: str | None = "/", **named: Any) -> dict[str, Any]:
    return {**SHARED, **LINE, "position": position, "hit": position, "target": target, "dl": target, **named}


def raw(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(RAW) | row for row in rows], schema=RAW)


def processed(*rows: dict[str, Any], settings: ReceiveSettings = SITE) -> Processed:
    return process(raw(rows), plain_ruleset(settings))


def stepped(step: StepFunction, *rows: dict[str, Any], settings: ReceiveSettings = SITE) -> pl.DataFrame:
    """What one step alone makes of the rows."""
    return step(add_undecided_columns(raw(rows)), plain_ruleset(settings))


def ruled(*rules: Rule, **settings: Any) -> Ruleset:
    """The property's ruleset with these rules."""
    return structs.replace(RULES, number=1, rules=rules, settings=structs.replace(RULES.settings, **settings))


def stepped_through(rules: Ruleset, *rows: dict[str, Any], until: str = "") -> pl.DataFrame:
    """What the steps before `until` make of the rows, and it itself; refused rows stay."""
    frame = add_undecided_columns(raw(rows))
    for step in STEPS:
        frame = step.function(frame, rules)
        if step.name == until:
            break
    return frame


def reasons(step: StepFunction, *rows: dict[str, Any], settings: ReceiveSettings = SITE) -> list[str | None]:
    return stepped(step, *rows, settings=settings)["reason"].to_list()
