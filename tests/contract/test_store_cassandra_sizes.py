"""A large segment, as it lies on a real node: no cell and no partition is larger than the layout says."""

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from processing.schema import BUILT
from processing.store.cassandra.layout import BUCKET_CELLS, CELL_BYTES, LARGEST_PARTITION
from tests.contract.store_builders import Reopen
from tests.unit.processing.test_scale import noise

if TYPE_CHECKING:
    from processing.store.cassandra.session import CassandraSession

# A node with a small heap can hold this by itself only: it is not among the tests that share one.
pytestmark = [pytest.mark.cassandra, pytest.mark.slow, pytest.mark.timeout(300)]


def test_it_works(on_cassandra: Reopen, session: "CassandraSession") -> None:
    info = on_cassandra().put_segment("large", {"events": noise(BUILT)})
    partitions = session.run("SELECT DISTINCT id, bucket FROM columns")
    sizes = Counter[int]()
    for id, bucket in partitions:
        cells = session.run("SELECT cell FROM columns WHERE id = ? AND bucket = ?", (id, bucket))
        keys = [(id, bucket, cell) for (cell,) in cells]
        answers = session.run_all("SELECT data FROM columns WHERE id = ? AND bucket = ? AND cell = ?", keys)
        lengths = [len(rows[0][0]) for rows in answers]
        assert len(lengths) <= BUCKET_CELLS
        assert max(lengths) <= CELL_BYTES
        sizes[bucket] = sum(lengths)
    assert len(sizes) > 1
    assert sum(sizes.values()) == info.bytes
    assert max(sizes.values()) <= LARGEST_PARTITION
