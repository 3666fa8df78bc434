"""Believable traffic of a small shop, as its trackers would have sent it. The same arguments give the same hits."""

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import accumulate
from typing import Final

from collection.demo.data import AGENTS, NETWORKS, ROBOTS, SOURCES, DemoBrowser
from collection.demo.visit import DemoVisit, DemoVisitor, browse
from collection.hit import FORMAT, RawHit
from collection.protocols import GA4

HITS_PER_VISIT: Final = 5.87
OF_WEEKDAY: Final = (1.05, 1.1, 1.06, 1.04, 0.95, 0.8, 0.92)
OF_HOUR: Final = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 13, 12, 12, 12, 13, 14, 16, 18, 19, 16, 10, 5)
GROWTH_PER_DAY: Final = 0.006
ROBOTS_SHARE: Final = 0.03
RETURNING_SHARE: Final = 0.35

DIRECT: Final = SOURCES[0]
OF_AGENT: Final = tuple(accumulate(agent.weight for agent in AGENTS))
OF_SOURCE: Final = tuple(accumulate(source.weight for source in SOURCES))
OF_NETWORK: Final = tuple(accumulate(weight for weight, _, _ in NETWORKS))
UPTO_HOUR: Final = tuple(accumulate(OF_HOUR))


class DemoTraffic:
    """The hits of a property up to `now`, which is in the property's zone. `seed` decides everything else."""

    def __init__(self, property: int, measurement_id: str, now: datetime, seed: int) -> None:
        self._property, self._measurement_id, self._now = property, measurement_id, now
        self._chance = random.Random(seed)  # noqa: S311 - nothing here is secret
        self._visitors: list[DemoVisitor] = []

    def hits(self, days: int, visits_per_day: float, received_us: int) -> Iterator[RawHit]:
        """Today so far and the days before, each day in the order of time."""
        end, number = int(self._now.timestamp() * 1000), 0
        for back in range(days - 1, -1, -1):
            for at, visitor, query in sorted(self._day(back, visits_per_day), key=lambda hit: hit[0]):
                if at < end:
                    number += 1
                    yield self._hit(f"demo-{number}", at, visitor, query, received_us)

    def _hit(self, id: str, at: int, visitor: DemoVisitor, query: str, received_us: int) -> RawHit:
        agent, content = visitor.agent.text, query.encode()
        return RawHit(FORMAT, id, received_us, GA4, visitor.address, agent, {}, content, b"", self._property, at)

    def _day(self, back: int, visits_per_day: float) -> Iterator[tuple[int, DemoVisitor, str]]:
        day = self._now.date() - timedelta(days=back)
        midnight = datetime.combine(day, time(), self._now.tzinfo).timestamp()
        mood = OF_WEEKDAY[day.weekday()] * (1 - GROWTH_PER_DAY * back) * self._chance.uniform(0.93, 1.07)
        times = sorted(self._time_of_day() for _ in range(round(visits_per_day * max(mood, 0.1))))
        visits = [self._visit(int(midnight * 1000) + time_of_day) for time_of_day in times]
        self._visitors += [visit.visitor for visit in visits if visit.visitor.visits == 1]
        for visit in visits:
            yield from ((at, visit.visitor, query) for at, query in visit.hits)

    def _time_of_day(self) -> int:
        hour = self._chance.choices(range(24), cum_weights=UPTO_HOUR)[0]
        return hour * 3_600_000 + self._chance.randrange(3_600_000)

    def _visit(self, start: int) -> DemoVisit:
        if self._chance.random() < ROBOTS_SHARE:
            robot = self._new_visitor(start, DemoBrowser(1, "800x600", self._chance.choice(ROBOTS)))
            return browse(DemoVisit(self._measurement_id, robot, DIRECT, start, self._chance))
        source = self._chance.choices(SOURCES, cum_weights=OF_SOURCE)[0]
        return browse(DemoVisit(self._measurement_id, self._visitor(start), source, start, self._chance))

    def _visitor(self, start: int) -> DemoVisitor:
        if self._visitors and self._chance.random() < RETURNING_SHARE:
            return self._chance.choice(self._visitors)
        return self._new_visitor(start, self._chance.choices(AGENTS, cum_weights=OF_AGENT)[0])

    def _new_visitor(self, start: int, agent: DemoBrowser) -> DemoVisitor:
        _, network, language = self._chance.choices(NETWORKS, cum_weights=OF_NETWORK)[0]
        address = f"{network}.{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
        return DemoVisitor(f"{self._chance.randrange(10**9, 2 * 10**9)}.{start // 1000}", address, language, agent)
