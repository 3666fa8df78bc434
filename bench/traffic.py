"""Believable hits for measurements: visitors with sessions, pages by Zipf, real user agents. Deterministic by seed."""

import random
from collections.abc import Iterator
from urllib.parse import urlencode

from collection.hit import FORMAT, RawHit, encode

DAY_MS = 86_400_000
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
)
REFERRERS = ("", "", "", "https://www.google.com/", "https://www.bing.com/", "https://news.ycombinator.com/item?id=1", "https://t.co/x")
CAMPAIGNS = ("", "", "", "", "?utm_source=newsletter&utm_medium=email&utm_campaign=autumn", "?gclid=Cj0KCQ")


class Traffic:
    """An endless stream of hits; each has an id and a creation time of its own, as the tracker's have."""

    def __init__(self, measurement_ids: list[str], seed: int = 1, visitors: int = 140_000, pages: int = 5_000) -> None:
        self._rnd = random.Random(seed)
        self._ids, self._visitors, self._pages = measurement_ids, visitors, pages
        self._number = 0

    def query(self, created_ms: int) -> tuple[str, bytes, str]:
        """A hit of one event: its measurement id, query and user agent."""
        rnd, self._number = self._rnd, self._number + 1
        measurement_id = rnd.choice(self._ids)
        visitor = rnd.randrange(self._visitors)
        session = created_ms // 3_600_000 * 3600 + visitor % 3600
        page = f"/p/{int(self._pages * rnd.random() ** 3)}"
        first = rnd.random() < 0.2
        parameters = {
            "v": "2", "tid": measurement_id, "_p": rnd.randrange(10**9), "cid": f"{visitor * 7919 + 100_000_000}.{1_700_000_000 + visitor}",
            "ul": "en-us", "sr": "1920x1080", "_s": rnd.randrange(1, 20), "sid": session, "sct": "1", "seg": str(rnd.randrange(2)),
            "dl": f"https://shop.example{page}{rnd.choice(CAMPAIGNS) if first else ''}", "dr": rnd.choice(REFERRERS) if first else "https://shop.example/",
            "dt": f"Product {page}", "en": "page_view" if rnd.random() < 0.7 else "scroll", "_et": rnd.randrange(20_000),
            "_hid": f"{rnd.getrandbits(96):x}", "_hts": created_ms,
        }  # fmt: skip
        agent = AGENTS[visitor % len(AGENTS)].format(110 + visitor % 20, visitor % 6)
        return measurement_id, urlencode(parameters).encode(), agent

    def past(self, count: int, first_ms: int, days: int, now_us: int) -> Iterator[tuple[bytes, bytes]]:
        """Log entries of the days from `first_ms` on, in order of time, from a source that is trusted to say when."""
        step = days * DAY_MS / count
        for number in range(count):
            at = int(first_ms + number * step)
            _, query, agent = self.query(at)
            hit = RawHit(FORMAT, f"past{self._number}", now_us, "ga4", f"192.0.2.{number % 250}", agent, {}, query, b"", 0, at)
            yield query[-40:], encode(hit)
