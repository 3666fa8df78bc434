"""Counts how often each line was seen, in little memory."""

from array import array
from typing import Final

INITIAL_SLOTS: Final = 1 << 16
MAX_LOAD: Final = 2 / 3
EMPTY: Final = 0


class LineCounts:
    """A hash table in two arrays: 12 bytes a slot, at most two thirds of the slots in use, linear probing.

    A distinct line takes 18 to 36 bytes, at most 54 while the table grows. So ten million lines take 200 MB, briefly
    300 MB; a dict would take more than 1 GB. Two lines with the same 64-bit digest count as one line; among ten million
    lines this happens with a probability of 3 in a million.
    """

    def __init__(self) -> None:
        self._used = 0
        self._resize(INITIAL_SLOTS)

    def __len__(self) -> int:
        """Returns the number of distinct lines."""
        return self._used

    def add(self, digest: int) -> int:
        """Counts a line by its 64-bit digest. Returns how often it has been seen, including this time."""
        digest = digest or 1  # 0 marks an empty slot
        digests, mask = self._digests, self._mask
        slot = digest & mask
        while (stored := digests[slot]) != digest:
            if stored == EMPTY:
                self._insert(slot, digest)
                return 1
            slot = (slot + 1) & mask
        self._counts[slot] += 1
        return self._counts[slot]

    def _insert(self, slot: int, digest: int) -> None:
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
        self._mask, self._limit = slots - 1, int(slots * MAX_LOAD)
