"""The same hits give the same figures when jobs are lost, doubled, late and out of order, and dispatchers change."""

import random
from collections import Counter
from pathlib import Path

import pytest

from processing.maintenance import compaction as upkeep
from processing.receiving import ledger
from tests.support.dispatching import Dispatched
from tests.support.installation import BLOG, NOON, SHOP, Installation
from tests.unit.processing.test_whole_way import HOUR, figures, property_of, random_hits

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

MEASUREMENT_IDS = {SHOP.id: SHOP.measurement_id, BLOG.id: BLOG.measurement_id}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ranges, of which few are merged."""
    monkeypatch.setattr(ledger, "MAX_RANGE_HITS", 7)
    monkeypatch.setattr(upkeep, "MERGE_BLOCKS", 3)


@pytest.mark.parametrize("seed", [0, 5, *(pytest.param(seed, marks=pytest.mark.slow) for seed in [1, *range(10, 30)])])
def test_it_works(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    hits = random_hits(rnd, 120)
    plain, busy = Installation(tmp_path / "plain"), Dispatched(tmp_path / "busy", rnd)
    plain.send(*hits)
    plain.receive()
    sent = Counter[int]()
    for low in range(0, len(hits), 15):
        batch = hits[low : low + 15]
        busy.send(*batch)
        sent.update(map(property_of, batch))
        for _ in range(rnd.randrange(12)):
            busy.step(NOON + rnd.choice([0, 1, 5, 40]) * 24 * HOUR)
            assert accounted(busy) == sent
    busy.finish()
    for property in sent:
        assert figures(busy, property) == figures(plain, property)
        assert busy.view(property).tail.hits == 0


def accounted(busy: Dispatched) -> Counter[int]:
    return Counter({number: busy.accounted(number, name) for number, name in MEASUREMENT_IDS.items()})
