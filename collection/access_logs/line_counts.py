"""Counting how often a line was seen, for files of any length."""

from array import array
from typing import Final

SMALLEST: Final = 1 << 16  # slots
FULL: Final = 2 / 3
EMPTY: Final = 0


class LineCounts:
    """A hash table without objects: 12 bytes a slot, at most two thirds of the slots in use.

    So a distinct line takes 18 to 36 bytes and, for the moment in which the table grows, 54 at most: ten million lines
    take 200 MB, 300 MB in that moment, where a dict would take more than 1 GB. Two lines with the same 64-bit digest
    count as one line; among ten million lines the chance that there are such two is 3 in a million.
    """

    def __init__(self) -> None:
        self._used = 0
        self._resize(SMALLEST)

    def __len__(self) -> int:
        """How many distinct lines there are."""
        return self._used

    def add(self, digest: int) -> int:
        """How often this line (64 bits) has been seen, this time included."""
        digest = digest or 1
        digests, mask = self._digests, self._mask
        slot = digest & mask
        while (found := digests[slot]) != digest:
            if found == EMPTY:
                self._take(slot, digest)
                return 1
            slot = (slot + 1) & mask
        self._counts[slot] += 1
        return self._counts[slot]

    def _take(self, slot: int, digest: int) -> None:
        self._digests[slot], self._counts[slot] = digest, 1
        self._used += 1
        if self._used > self._limit:
            self._grow()

    def _grow(self) -> None:
        digests, counts = self._digests, self._counts
        self._resize(2 * len(digests))
        new_digests, new_counts, mask = self._digests, self._counts, self._mask
        for digest, count in zip(digests, counts, strict=True):
            if digest:
                slot = digest & mask
                while new_digests[slot]:
                    slot = (slot + 1) & mask
                new_digests[slot], new_counts[slot] = digest, count

    def _resize(self, slots: int) -> None:
        self._digests, self._counts = array("Q", bytes(8 * slots)), array("I", bytes(4 * slots))
        self._mask, self._limit = slots - 1, int(slots * FULL)
