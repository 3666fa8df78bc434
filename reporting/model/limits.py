"""How large a report may be. What these numbers allow is still answered exactly, or not at all."""

from typing import Final

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """`conditions`, `patterns` and `values` are those of all filters of a report together.

    `steps` are events times the fields and conditions that look at each of them, for all reports of a request:
    a million events by 2 dimensions and 3 metrics are 5 million steps.
    """

    conditions: int = 200
    patterns: int = 100
    pattern_characters: int = 1024
    values: int = 10_000  # of lists
    steps: int = 10_000_000_000


DEFAULT_LIMITS: Final = Limits()
