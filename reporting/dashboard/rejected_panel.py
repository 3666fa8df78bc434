"""The dashboard's panel of rejected hits: how many for each reason, and the latest of them."""

from typing import Any, Final
from urllib.parse import parse_qsl

import polars as pl

from configuration.moments import moment
from reporting.registry.reject_reasons import MEANINGS

SAMPLES: Final = 5
LONGEST_SAMPLE: Final = 240
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"


def rejected_panel(rows: pl.DataFrame, zone: str) -> list[dict[str, Any]]:
    """Returns the reasons of the rows of ReadView.rejected, the most frequent first."""
    counts = rows["reason"].value_counts().sort("count", "reason", descending=[True, False])
    return [
        {
            "name": reason,
            "count": f"{count:,}",
            "meaning": MEANINGS[reason],
            "samples": _samples(rows.filter(pl.col("reason") == reason), zone),
        }
        for reason, count in counts.iter_rows()
    ]


def _samples(rows: pl.DataFrame, zone: str) -> list[dict[str, str]]:
    """Returns the latest hits, in the property's zone."""
    latest = rows.top_k(SAMPLES, by=["time", "position"]).select("time", "content")
    return [
        {
            "time": moment(time, zone, seconds=True),
            "content": readable_content(content or ""),
        }
        for time, content in latest.rows()
    ]


def readable_content(content: str) -> str:
    """Returns the parameters of a hit, decoded: `en=x&n=a%20b` -> `en=x  n=a b`."""
    return printable(
        "  ".join(f"{name}={value}" for name, value in parse_qsl(content, keep_blank_values=True)) or content
    )


def printable(text: str) -> str:
    """Replaces invisible characters, and cuts a long text."""
    printed = "".join(character if character.isprintable() else REPLACED for character in text[:LONGEST_SAMPLE])
    return printed if len(text) <= LONGEST_SAMPLE else f"{printed}…"
