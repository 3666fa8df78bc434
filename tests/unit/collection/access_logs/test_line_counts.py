"""Counting repetitions like a dict does, in less memory."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from collection.access_logs.line_counts import INITIAL_SLOTS, LineCounts


def test_it_works() -> None:
    seen = LineCounts()
    assert [seen.add(7), seen.add(8), seen.add(7), seen.add(7)] == [1, 1, 2, 3]
    assert len(seen) == 2


# Digests that share their low bits fall on one slot, and so does 0 with the empty ones.
@given(
    st.lists(
        st.sampled_from([0, 1, 5, 5 + INITIAL_SLOTS, 5 + 2 * INITIAL_SLOTS, 6, 2**64 - 1]) | st.integers(0, 2**64 - 1)
    )
)
def test_it_counts_like_a_dict(digests: list[int]) -> None:
    seen, expected = LineCounts(), Counter[int]()
    for digest in digests:
        expected[digest or 1] += 1
        assert seen.add(digest) == expected[digest or 1]
    assert len(seen) == len(expected)


def test_counts_survive_growth() -> None:
    seen = LineCounts()
    digests = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(1, 3 * INITIAL_SLOTS)]
    assert {seen.add(digest) for digest in digests} == {1}
    assert {seen.add(digest) for digest in digests} == {2}
    assert len(seen) == len(digests)
