"""How large a report may be. What these numbers allow is still answered exactly, or not at all."""

from typing import Final

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """`conditions`, `patterns` and `values` are those of all filters of a report together.

    `rows` are those of a table on all of its pages and for all date ranges. `steps` estimate the cost of all reports of
    a request before it is run: events times what is done with each of them. About 100 million of them take a second.
    """

    conditions: int = 200
    patterns: int = 100
    pattern_characters: int = 1024
    values: int = 10_000  # of lists
    rows: int = 1_000_000
    steps: int = 10_000_000_000


DEFAULT_LIMITS: Final = Limits()
