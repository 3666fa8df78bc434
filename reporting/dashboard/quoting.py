"""Text of addresses, as pages quote it."""

from typing import Final

LONGEST_QUOTE: Final = 40
REPLACED: Final = "\N{REPLACEMENT CHARACTER}"


def quoted(text: str) -> str:
    """Returns the text without what cannot be seen, cut, and in quotation marks."""
    shown = "".join(character if character.isprintable() else REPLACED for character in text[:LONGEST_QUOTE])
    return f"“{shown}”" if len(text) <= LONGEST_QUOTE else f"“{shown}…”"
