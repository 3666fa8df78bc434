"""Generates realistic hits of a small shop. The same arguments give the same hits."""

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import accumulate
from typing import Final

from collection.collector.app import HIT_PATHS
from collection.demo.data import AGENTS, HOST, ROBOTS, SOURCES, DemoBrowser
from collection.demo.places import COUNTRIES, address_in
from collection.demo.visit import DemoVisit, DemoVisitor, browse
from collection.protocols import GA4

HITS_PER_VISIT: Final = 6.57
WEEKDAY_FACTORS: Final = (1.05, 1.1, 1.06, 1.04, 0.95, 0.8, 0.92)
HOUR_WEIGHTS: Final = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 13, 12, 12, 12, 13, 14, 16, 18, 19, 16, 10, 5)
GROWTH_PER_DAY: Final = 0.003
ROBOTS_SHARE: Final = 0.03
RETURNING_SHARE: Final = 0.35

DIRECT: Final = SOURCES[0]
PATH: Final = next(path for path, protocol in HIT_PATHS.items() if protocol == GA4)
CUMULATED_AGENT_WEIGHTS: Final = tuple(accumulate(agent.weight for agent in AGENTS))
CUMULATED_SOURCE_WEIGHTS: Final = tuple(accumulate(source.weight for source in SOURCES))
CUMULATED_COUNTRY_WEIGHTS: Final = tuple(accumulate(country.weight for country in COUNTRIES))
CUMULATED_HOUR_WEIGHTS: Final = tuple(accumulate(HOUR_WEIGHTS))


class DemoRequest:
    """A hit as the browser sends it: a Request of the collector. `at`: when it is sent (ms)."""

    def __init__(self, at: int, visitor: DemoVisitor, query: str) -> None:
        self.at, self.visitor = at, visitor
        self.method, self.path, self.query, self.peer = "POST", PATH, query.encode(), visitor.address

    def headers(self) -> dict[str, str]:
        return {
            "user-agent": self.visitor.agent.user_agent,
            "accept-language": self.visitor.language,
            "origin": f"https://{HOST}",
        }

    async def body(self) -> bytes:
        return b""


class DemoTraffic:
    """Generates the hits of a property up to `now`, a time in the property's zone."""

    def __init__(self, measurement_id: str, now: datetime, seed: int) -> None:
        self._measurement_id, self._now = measurement_id, now
        self._chance = random.Random(seed)  # noqa: S311 - not used for secrets
        self._visitors: list[DemoVisitor] = []

    def requests(self, days: int, visits_per_day: float) -> Iterator[DemoRequest]:
        """Yields the hits of this many days including today, ordered by time within each day."""
        end = int(self._now.timestamp() * 1000)
        for days_ago in range(days - 1, -1, -1):
            for at, visitor, query in sorted(self._day(days_ago, visits_per_day), key=lambda hit: hit[0]):
                if at < end:
                    yield DemoRequest(at, visitor, query)

    def _day(self, days_ago: int, visits_per_day: float) -> Iterator[tuple[int, DemoVisitor, str]]:
        day = self._now.date() - timedelta(days=days_ago)
        midnight = datetime.combine(day, time(), self._now.tzinfo).timestamp()
        factor = WEEKDAY_FACTORS[day.weekday()] * (1 - GROWTH_PER_DAY * days_ago) * self._chance.uniform(0.93, 1.07)
        times = sorted(self._time_of_day() for _ in range(round(visits_per_day * max(factor, 0.1))))
        visits = [self._visit(int(midnight * 1000) + time_of_day) for time_of_day in times]
        self._visitors += [visit.visitor for visit in visits if visit.visitor.visits == 1]
        for visit in visits:
            yield from ((at, visit.visitor, query) for at, query in visit.hits)

    def _time_of_day(self) -> int:
        hour = self._chance.choices(range(24), cum_weights=CUMULATED_HOUR_WEIGHTS)[0]
        return hour * 3_600_000 + self._chance.randrange(3_600_000)

    def _visit(self, start: int) -> DemoVisit:
        if self._chance.random() < ROBOTS_SHARE:
            robot = self._new_visitor(start, DemoBrowser(1, "800x600", self._chance.choice(ROBOTS)))
            return browse(DemoVisit(self._measurement_id, robot, DIRECT, start, self._chance))
        source = self._chance.choices(SOURCES, cum_weights=CUMULATED_SOURCE_WEIGHTS)[0]
        return browse(DemoVisit(self._measurement_id, self._visitor(start), source, start, self._chance))

    def _visitor(self, start: int) -> DemoVisitor:
        if self._visitors and self._chance.random() < RETURNING_SHARE:
            return self._chance.choice(self._visitors)
        return self._new_visitor(start, self._chance.choices(AGENTS, cum_weights=CUMULATED_AGENT_WEIGHTS)[0])

    def _new_visitor(self, start: int, agent: DemoBrowser) -> DemoVisitor:
        country = self._chance.choices(COUNTRIES, cum_weights=CUMULATED_COUNTRY_WEIGHTS)[0]
        client = f"{self._chance.randrange(10**9, 2 * 10**9)}.{start // 1000}"
        return DemoVisitor(client, address_in(country, self._chance), country.language, agent)
