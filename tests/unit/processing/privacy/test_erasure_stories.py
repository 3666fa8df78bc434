"""Whatever happened before and happens after: once a visitor is erased, everything is as in an installation that the
visitor never came to.
"""

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collection.hit import RawHit
from configuration.ruleset.ruleset import PropertySettings, Ruleset, plain_ruleset
from processing.ingest.visitor_keys import ByClientId, VisitorKeyFactory
from processing.maintenance.fsck import FsckRun
from processing.models import Range
from processing.privacy.tombstones import clean_blocks, erase, remove_erased
from processing.schema import BUILT
from processing.segments import folding
from processing.segments import remove_rows as removal
from tests.support.installation import NOON, SHOP, Installation, ga4
from tests.support.rebuilding import rebuild

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2027, 1, 1))
HOUR = 3_600_000
DAY = 24 * HOUR
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
SETTINGS = plain_ruleset(SHOP).settings


def key_of(client: str) -> int:
    return VisitorKeyFactory(b"secret", {}, {}).key(ByClientId(SHOP.measurement_id, client))


def figures(here: Installation) -> tuple[Any, ...]:
    """All that reports can show; positions are those of another log."""
    view = here.view()
    counts = view.counts()
    assert counts.accepted == counts.counted + counts.rejected
    events = view.events(*EVER, [name for name in BUILT if name != "position"])
    rejected = view.with_content(view.rejected(*EVER)).drop("position")
    return counts, sorted(map(str, events.rows())), sorted(map(str, rejected.rows()))


def random_hits(rnd: random.Random, size: int) -> list[tuple[str, RawHit]]:
    """With their client: sessions over three midnights, re-sends, late hits, bots, in order of receipt."""
    hits = []
    for number in range(size):
        at = NOON + 12 * HOUR + rnd.randrange(3) * DAY + rnd.randrange(-12, 12) * 10 * 60_000
        late = rnd.choice([0, 0, 0, 2 * HOUR, 50 * HOUR])
        client, page = f"{rnd.randrange(3)}.1", f"https://shop.example/{rnd.choice('ab')}"
        sent: dict[str, Any] = rnd.choice([{}, {"hit": f"id{number}"}, {"hit": f"id{number}", "created": at}])
        source: dict[str, Any] = rnd.choice([{}, {"cs": "letter", "cm": "email"}, {"agent": BOT}])
        session = rnd.choice([None, "1"])
        hits.append((client, ga4(number, client=client, at=at + late, page=page, session=session, **sent, **source)))
        if rnd.random() < 0.2:
            client, hit = rnd.choice(hits)
            again = hit.received + rnd.choice([0, 4, 30]) * HOUR * 1000
            hits.append((client, msgspec.structs.replace(hit, received=again)))
    return sorted(hits, key=lambda hit: hit[1].received)


class Story:
    """An installation, and what was sent to it and erased from it so far."""

    def __init__(self, folder: Path, rnd: random.Random) -> None:
        self.here, self.rnd, self._folder, self._plain = Installation(folder / "story"), rnd, folder, 0
        self.sent: list[tuple[str, RawHit]] = []
        self.erased: dict[str, int] = {}

    def send(self, hits: list[tuple[str, RawHit]]) -> None:
        self.here.send(*(hit for _, hit in hits))
        self.sent += hits
        self.here.now += 100.0

    def erase(self) -> None:
        """At any time of receipt, of hits also that are not there yet."""
        client = f"{self.rnd.randrange(3)}.1"
        until = self.rnd.choice(self.sent)[1].received if self.sent else 0
        erase(self.here.store, SHOP.id, [key_of(client)], until, SETTINGS)
        self.erased[client] = max(until, self.erased.get(client, 0))

    def remove(self) -> None:
        remove_erased(self.here.store, SHOP.id)

    def rebuild(self) -> None:
        if self.here.store.live(SHOP.id) and self.here.view().sealed.manifest.raw:
            rebuild(self.here, Ruleset(SHOP.id, 1, PropertySettings(domains=SETTINGS.domains, zone=SETTINGS.zone)))

    def tidy(self) -> None:
        self.here.now += 100.0
        self.here.worker.run_maintenance(NOON + self.rnd.choice([1, 5, 90]) * DAY)

    def check(self) -> None:
        self.here.receive()
        self._plain += 1
        plain = Installation(self._folder / f"plain{self._plain}")
        plain.send(*(hit for client, hit in self.sent if hit.received > self.erased.get(client, -1)))
        plain.receive()
        assert figures(self.here) == figures(plain)
        Range.objects.filter(log=plain.log.id).delete()
        assert list(FsckRun(self.here.log, self.here.store).problems()) == []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_it_works(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rnd = random.Random(seed)
    monkeypatch.setattr(removal, "SEGMENT_ROWS", rnd.choice([1, 20, 250_000]))
    monkeypatch.setattr("processing.reprocessing.rebuild.TASK_ROWS", rnd.choice([1, 20, 250_000]))
    monkeypatch.setattr(folding, "MIN_CONDENSED_EVENTS", rnd.choice([1, 20, 4096]))
    story, hits = Story(tmp_path, rnd), random_hits(rnd, 70)
    steps: list[tuple[float, Callable[[], object]]] = [
        (0.9, story.here.receive), (0.4, lambda: story.here.worker.seal(everything=True)), (0.2, story.erase),
        (0.2, story.tidy), (0.2, story.remove), (0.1, story.rebuild), (0.2, story.check),
        (0.2, lambda: clean_blocks(story.here.store, SHOP.id)),
    ]  # fmt: skip
    while hits:
        size = rnd.randrange(1, 15)
        story.send(hits[:size])
        del hits[:size]
        for likely, step in steps:
            if rnd.random() < likely:
                step()
    story.erase()
    story.check()
    story.remove()
    story.check()
    story.tidy()
    story.rebuild()
    story.check()
