"""Whole numbers in addresses, headers and forms."""

from typing import Final

LARGEST_NUMBER: Final = 2**63 - 1  # of a property, a version or a row: what the databases can hold


def parse_number(text: str, largest: int = LARGEST_NUMBER) -> int | None:
    """`"42"` -> 42. None for anything but ASCII digits, and for numbers above `largest`."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(largest))):
        return None
    number = int(text)
    return number if number <= largest else None
