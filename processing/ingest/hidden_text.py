r"""Reads texts that are written with escapes, as often escaped as may be: `%2E`, `%252e`, `%%32%45`, `\u002e`, `\x2e`.

Only ASCII is decoded: it is all that addresses consist of. Texts are not changed, because their structure is in what is
escaped and what is not; `Decoded.source` says where a decoded span stands in the text:

    text     ip=192%252E0.2.7&a=b%26c
    decoded  ip=192.0.2.7&a=b&c         span 3 to 12 is the address; its source is 3 to 16
"""

import re
from bisect import bisect_left
from typing import Final, NamedTuple

_CODE: Final = "[0-7][0-9A-Fa-f]"
# A run of backslashes is read from its first one only: looked at from each of them, it would take quadratic time.
_BACKSLASHES: Final = r"(?<!\\)\\++"
ESCAPE: Final = re.compile(rf"%(?:25)*({_CODE})|(?:{_BACKSLASHES}|%(?:25)*)u00({_CODE})|{_BACKSLASHES}x({_CODE})")

MOST_ROUNDS: Final = 16


def _hides(codes: str) -> re.Pattern[str]:
    """Returns a pattern that is quick to look for in a text that has percent escapes of none of these characters. An
    escape may itself be written with escaped digits and letters to f.
    """
    codes = f"{codes}|3[0-9]|[46][1-6]|5[Cc]|u"
    return re.compile(f"%(?:{codes}|25(?:25)*(?:{codes}))")


HIDES_IPV4: Final = _hides("2[Ee]")
# One colon alone is in every encoded address of a page. Two of them with few digits between are in hardly any.
_COLON: Final = "(?::|%3[Aa])"
HIDES_IPV6: Final = re.compile(
    rf"{_hides('2[Ee]').pattern}|%25(?:25)*3[Aa]|%3[Aa][0-9A-Fa-f]{{0,4}}{_COLON}|:[0-9A-Fa-f]{{0,4}}%3[Aa]"
)
HIDES_EMAIL: Final = _hides("40")
HIDES_NAME: Final = _hides("2[DEde]|[4-7]")


class Decoded(NamedTuple):
    """A text without escapes, and the rounds that decoded it."""

    text: str
    rounds: tuple["_Round", ...]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Returns the span of the decoded text's characters `start` to `end` (excluded, at least one)."""
        last = end - 1
        for number in range(len(self.rounds) - 1, -1, -1):
            start, end = self.rounds[number].start(start), self.rounds[number].end(last)
            last = end - 1
        return start, end


class _Round(NamedTuple):
    """The escapes that were decoded at once: the index of each one's character, and the span of the escape before."""

    at: list[int]
    starts: list[int]
    ends: list[int]

    def start(self, index: int) -> int:
        before = bisect_left(self.at, index)
        if before < len(self.at) and self.at[before] == index:
            return self.starts[before]
        return index + (self.ends[before - 1] - self.at[before - 1] - 1 if before else 0)

    def end(self, index: int) -> int:
        before = bisect_left(self.at, index)
        is_escape = before < len(self.at) and self.at[before] == index
        return self.ends[before] if is_escape else self.start(index) + 1


def may_hide(text: str, escapes: re.Pattern[str]) -> bool:
    """Returns whether the text may have something in escapes that one of the patterns HIDES_… looks for: most texts
    have none, and need nothing else of this module.
    """
    return "\\" in text or ("%" in text and escapes.search(text) is not None)


def decode_escapes(text: str) -> str:
    """Returns the text without escapes. Each round undoes one level; nobody needs more than MOST_ROUNDS of them, and a
    hostile text could have one for every two characters.
    """
    for _ in range(MOST_ROUNDS):
        if (decoded := ESCAPE.sub(_character, text)) == text:
            break
        text = decoded
    return text


def decode_with_sources(text: str) -> Decoded:
    """Does the same for texts in which something was found."""
    rounds = list[_Round]()
    for _ in range(MOST_ROUNDS):
        at, starts, ends, shift = list[int](), list[int](), list[int](), 0
        for escape in ESCAPE.finditer(text):
            start, end = escape.span()
            at.append(start - shift)
            starts.append(start)
            ends.append(end)
            shift += end - start - 1
        if not at:
            break
        rounds.append(_Round(at, starts, ends))
        text = ESCAPE.sub(_character, text)
    return Decoded(text, tuple(rounds))


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1] or escape[2] or escape[3], 16))
