"""Takes off what syslog puts in front of a line that a server sent through it."""

import re
from typing import Final

from collection.log_lines.times import MONTHS

_PRIORITY: Final = r"(?:<[0-9]{1,3}>)?"
_OLD_TIME: Final = rf"(?:{'|'.join(MONTHS)}) [ 0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
_ISO_TIME: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
)
_TAG: Final = r"[^ :\[]++(?:\[[0-9]++\])?:"
# Both forms that programs write: RFC 3164, "<190>Nov 29 10:00:00 web1 nginx: …", and RFC 5424,
# "<190>1 2026-11-29T10:00:00Z web1 nginx 17 - - …".
_RFC_3164: Final = rf"(?:{_OLD_TIME}|{_ISO_TIME}) (?:[^ :]++ )?{_TAG}"
_RFC_5424: Final = rf"1 {_ISO_TIME} [^ ]++ [^ ]++ [^ ]++ [^ ]++ (?:-|\[[^\]]*+\])"
PREFIX: Final = re.compile(rf"{_PRIORITY}(?:{_RFC_3164}|{_RFC_5424}) ")


def without_syslog(text: str) -> str:
    """Returns the line as the server sent it."""
    prefix = PREFIX.match(text)
    return text[prefix.end() :] if prefix else text
