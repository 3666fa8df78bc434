"""Generates realistic hits for measurements: visitors with sessions, pages by Zipf's law, real user agents. The seed
determines all of them.
"""

import random
from collections.abc import Iterator
from urllib.parse import urlencode

from collection.hit import FORMAT, RawHit, encode

DAY_MS = 86_400_000
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} "
    "Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
)
REFERRERS = (
    "",
    "",
    "",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://news.ycombinator.com/item?id=1",
    "https://t.co/x",
)
CAMPAIGNS = ("", "", "", "", "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn", "?gclid=Cj0KCQ")


SECONDS_A_PAGE = 30
ON_THE_WAY_MS = 80
PAGES = 5_000
HITS_A_SESSION = (1, 1, 2, 3, 4, 5, 7, 10, 14)


class Session:
    """A session in progress: its visitor, its start, and its remaining hits."""

    def __init__(self, rnd: random.Random, measurement_id: str, visitor: int, began_ms: int) -> None:
        self.measurement_id, self.visitor, self.began_s = measurement_id, visitor, began_ms // 1000
        self.left, self.sent = rnd.choice(HITS_A_SESSION), 0
        self.campaign, self.referrer = rnd.choice(CAMPAIGNS), rnd.choice(REFERRERS)
        self.agent = AGENTS[visitor % len(AGENTS)].format(110 + visitor % 20, visitor % 6)
        self.client = f"{visitor * 7919 + 100_000_000}.{1_700_000_000 + visitor}"


class Traffic:
    """An endless stream of hits at a rate (hits per second); each has an id and a creation time like the tracker's."""

    def __init__(
        self, measurement_ids: list[str], rate: float, seed: int = 1, visitors: int = 140_000, pages: int = PAGES
    ) -> None:
        self._rnd = random.Random(seed)
        self._ids, self._visitors, self._pages = measurement_ids, visitors, pages
        self._going: list[Session | None] = [None] * max(8, int(rate * SECONDS_A_PAGE))
        self._number = 0

    def query(self, created_ms: int) -> tuple[str, bytes, str]:
        """Returns measurement id, query and user agent of a hit with one event."""
        session = self._next(created_ms)
        rnd, self._number = self._rnd, self._number + 1
        page = f"/p/{int(self._pages * rnd.random() ** 3)}"
        first, session.sent, session.left = session.sent == 0, session.sent + 1, session.left - 1
        parameters = {
            "v": "2", "tid": session.measurement_id, "_p": session.began_s * 1000 + session.sent,
            "cid": session.client, "ul": "en-us", "sr": "1920x1080", "_s": session.sent, "sid": session.began_s,
            "sct": "1", "seg": "0" if first else "1",
            "dl": f"https://shop.example{page}{session.campaign if first else ''}",
            "dr": session.referrer if first else "https://shop.example/", "dt": f"Product {page}",
            "en": "page_view" if first or rnd.random() < 0.6 else "scroll",
            "_et": 0 if first else rnd.randrange(20_000), "_hid": f"{rnd.getrandbits(96):x}", "_hts": created_ms,
        }  # fmt: skip
        return session.measurement_id, urlencode(parameters).encode(), session.agent

    def _next(self, created_ms: int) -> Session:
        """Chooses the session that sends the next hit. A session that has ended is replaced by another visitor's."""
        rnd = self._rnd
        place = rnd.randrange(len(self._going))
        session = self._going[place]
        if session is None or not session.left:
            session = self._going[place] = Session(
                rnd, rnd.choice(self._ids), rnd.randrange(self._visitors), created_ms
            )
        return session

    def past(self, count: int, first_ms: int, days: int, now_us: int) -> Iterator[tuple[bytes, bytes]]:
        """Yields log entries of the days from `first_ms` on, ordered by time, from a source with a trusted time."""
        step = days * DAY_MS / count
        for number in range(count):
            at = int(first_ms + number * step)
            _, query, agent = self.query(at)
            hit = RawHit(
                FORMAT, f"past{self._number}", now_us, "ga4", f"192.0.2.{number % 250}", agent, {}, query, b"", 0, at
            )
            yield query[-40:], encode(hit)

    def live(self, count: int, first_ms: int, days: float) -> Iterator[tuple[bytes, bytes]]:
        """Yields log entries of the days from `first_ms` on, received a moment after they were sent."""
        step = days * DAY_MS / count
        for number in range(count):
            at = int(first_ms + number * step)
            _, query, agent = self.query(at)
            received_us = (at + ON_THE_WAY_MS) * 1000
            name, address = f"live{self._number}", f"192.0.2.{number % 250}"
            yield query[-40:], encode(RawHit(FORMAT, name, received_us, "ga4", address, agent, {}, query, b""))
