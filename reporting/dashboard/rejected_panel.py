"""The dashboard's panel of rejected hits: how many for each reason, and the latest of them."""

from datetime import date
from typing import Any, Final
from urllib.parse import parse_qsl

import polars as pl

from configuration.moments import moment
from configuration.numbers import how_many
from processing.schema import CONTENT
from processing.segments.read_view import ReadView
from reporting.registry.reject_reasons import MEANINGS
from reporting.rejected_hits import rejected_by_reason

SAMPLES: Final = 5
LONGEST_SAMPLE: Final = 240
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"


def rejected_panel(view: ReadView, first: date, last: date) -> list[dict[str, Any]]:
    """Returns the reasons of these local days, the most frequent first."""
    return [
        {
            "name": found.reason,
            "count": f"{found.hits:,}",
            "meaning": MEANINGS[found.reason],
            "samples": _samples(found.latest, view.zone),
        }
        for found in rejected_by_reason(view, first, last, SAMPLES)
    ]


def _samples(latest: pl.DataFrame, zone: str) -> list[dict[str, str]]:
    """Returns the hits as the panel shows them, in the property's zone."""
    return [
        {"time": moment(time, zone, seconds=True), "content": readable_content(content or "", size)}
        for time, content, size in latest.select("time", *CONTENT).iter_rows()
    ]


def readable_content(content: str, size: int | None = None) -> str:
    """Returns the parameters of a hit, decoded: `en=x&n=a%20b` -> `en=x  n=a b`. `size`: of the whole content, if
    this is the beginning of it.
    """
    text = printable(
        "  ".join(f"{name}={value}" for name, value in parse_qsl(content, keep_blank_values=True)) or content
    )
    return text if size is None else f"{text} ({how_many(size, 'byte')} in all)"


def printable(text: str) -> str:
    """Replaces invisible characters, and cuts a long text."""
    printed = "".join(character if character.isprintable() else REPLACED for character in text[:LONGEST_SAMPLE])
    return printed if len(text) <= LONGEST_SAMPLE else f"{printed}…"
