"""The properties, senders and origins of random hits, and what is known of each."""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from collection.hit import RawHit
from configuration.ruleset.context import ReceiveSettings
from tests.support.random_clients import CHROME, IPHONE

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
# zones, each with a day before a change of the clock (at midnight, of half an hour, in either direction)
ZONES: Final = {
    ("Europe/Berlin", "2026-03-28"), ("Europe/Berlin", "2026-10-24"), ("Africa/Cairo", "2026-04-23"),
    ("Africa/Cairo", "2026-10-28"), ("America/Havana", "2026-10-31"), ("Australia/Lord_Howe", "2026-10-03"),
    ("Asia/Kolkata", "2026-06-29"), ("Etc/UTC", "2026-06-29"),
}  # fmt: skip
AGENTS: Final = {  # device, browser, system; None: a program
    CHROME: ("desktop", "Chrome", "Windows"),
    IPHONE: ("mobile", "Safari", "iOS"),
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": None,
}  # fmt: skip
# parameters, referrer -> source, medium, campaign, channel
ORIGINS: Final[tuple[tuple[dict[str, str], str, tuple[str, ...]], ...]] = (
    ({}, "", ("(direct)", "(none)", "(direct)", "Direct")),
    ({"cs": "letter", "cm": "email", "cn": "may"}, "", ("letter", "email", "may", "Email")),
    ({}, "https://www.google.com/", ("google", "organic", "(organic)", "Organic Search")),
    ({}, "https://news.example/a", ("news.example", "referral", "(referral)", "Referral")),
    ({}, "https://shop.example/b", ("(direct)", "(none)", "(direct)", "Direct")),
    ({"gclid": "x"}, "https://www.google.com/", ("google", "cpc", "(not set)", "Paid Search")),
)
COUNTRIES: Final = {"192.0.2.7": "Germany", "198.51.100.9": "France", "203.0.113.5": "(not set)"}


class Sent(NamedTuple):
    """A hit at one arrival: its bytes, and what the oracle shall make of it. `owner` 0 is the unknown property."""

    raw: RawHit
    owner: int
    events: list[dict[str, Any]]


Arrival = Callable[[int, int], Sent]  # (number, received in us) -> the hit as it arrives then


class Site(NamedTuple):
    """Two properties: one tells visitors by cookie, one by address; `low` to `high` are four local days (ms)."""

    cookie: ReceiveSettings
    cookieless: ReceiveSettings
    moments: list[int]

    @property
    def days(self) -> tuple[int, int]:
        return self.moments[0], self.moments[-1]


@st.composite
def sites(draw: st.DrawFn) -> Site:
    zone, day = draw(st.sampled_from(sorted(ZONES)))
    named: dict[str, Any] = {"domains": ("shop.example",), "zone": zone}
    named |= {"session_timeout_s": draw(st.sampled_from([1800, 5 * 3600]))}
    cookie = ReceiveSettings(id=11, measurement_id="G-COOKIE0001", **named)
    cookieless = ReceiveSettings(id=12, measurement_id="G-NOCOOKIE01", identity="cookieless", **named)
    first = datetime.fromisoformat(day)
    starts = [(first + timedelta(days=n)).replace(tzinfo=ZoneInfo(zone)) for n in range(4)]
    return Site(cookie, cookieless, [int(start.timestamp() * 1000) for start in starts])


def page_of(target: str) -> dict[str, str]:
    path, _, query = target.partition("?")
    return {"path": path, "query": query}


def program_of(agent: str) -> dict[str, str]:
    return {"bot": "Googlebot", "bot_category": "search engine"} if AGENTS[agent] is None else {}


def number_of(id: str) -> int:
    """Ties sort by it: the first 64 bits of the id's BLAKE2b."""
    return int.from_bytes(blake2b(id.encode(), digest_size=8).digest(), "big")
