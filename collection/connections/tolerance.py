"""Rewrites two things in the heads of requests that the parser refuses although clients send them."""

import re
from typing import Final

HEAD_END: Final = b"\r\n\r\n"

_upgrade = re.compile(rb"(?i)\r\nupgrade:").sub
_has_upgrade = re.compile(rb"(?i)\r\nupgrade:").search
_beyond_ascii = re.compile(rb"[\x80-\xff]").sub
_unfinished = re.compile(rb"(?i)\r(?:\n(?:\r|u|up|upg|upgr|upgra|upgrad|upgrade)?)?\Z").search


class TolerantHead:
    """The head of a request, chunk by chunk, of which nothing depends on where the chunks were cut.

    Bytes beyond ASCII in the request line are percent-encoded: `?dt=é` -> `?dt=%C3%A9`. A wish for another protocol,
    as some libraries send it with each first request, is hidden: after it the parser reads no body.

    Nothing behind the head is changed: a body that grew would end in another place than its length says, and its last
    bytes would pass for a request. So the beginning of a line's end is held back until the next chunk tells which it
    is. A request that begins within a chunk, behind another one, is left as it is: where it begins only the parser
    knows.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Expects a request that begins with the next chunk."""
        self._held = b""
        self._line_read = self._is_over = self._has_begun = False

    def end(self) -> None:
        """Leaves what follows as it is, until the next `begin`."""
        self._is_over = True

    def rewrite(self, data: bytes) -> bytes:
        """Returns what the parser shall see of this chunk, and of what was held back of the one before."""
        if self._is_over:
            return data
        data = self._held + data if self._has_begun else data.lstrip(b"\r\n")  # the parser skips these as well
        self._has_begun, self._held = self._has_begun or bool(data), b""
        end = data.find(HEAD_END)
        if end >= 0:
            self._is_over = True
        elif unfinished := _unfinished(data):
            data, self._held = data[: unfinished.start()], unfinished[0]
        head = data if end < 0 else data[:end]
        if _has_upgrade(head):
            data = _upgrade(b"\r\nx-upgrade:", head) + data[len(head) :]
        return data if self._line_read else self._with_ascii_line(data)

    def _with_ascii_line(self, data: bytes) -> bytes:
        line, newline, rest = data.partition(b"\n")
        self._line_read = bool(newline)
        if line.isascii():
            return data
        return _beyond_ascii(lambda byte: b"%%%02X" % byte[0][0], line) + newline + rest
