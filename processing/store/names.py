"""Which names segments and their sections may have: they are file names and keys."""

import re
from collections.abc import Iterable
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,119}")
_SECTION: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_names(name: str, sections: Iterable[str] = ()) -> None:
    """Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name of a segment: {name!r}")
    for section in sections:
        if not _SECTION.fullmatch(section):
            raise ValueError(f"not a name of a section: {section!r}")
