"""Whole numbers in addresses, headers and forms."""

from typing import Final

LARGEST_NUMBER: Final = 2**63 - 1  # of a property, a version or a row: what the databases can hold


def parse_number(text: str, largest: int = LARGEST_NUMBER) -> int | None:
    """`"42"` -> 42. None for anything but ASCII digits, and for numbers above `largest`."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(largest))):
        return None
    number = int(text)
    return number if number <= largest else None


def how_many(number: int | str, noun: str, nouns: str = "") -> str:
    """Writes a number with its noun: `1 hit`, `1,200 hits`, `2 copies`. `nouns` is the plural if it is not just with s.

    A text is a number that is written already, or words such as "an unknown number".
    """
    text = f"{number:,}" if isinstance(number, int) else number
    of = "of " if not text[:1].isdigit() else ""
    return f"{text} {of}{noun if text == '1' else nouns or f'{noun}s'}"
