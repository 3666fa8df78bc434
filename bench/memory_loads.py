"""The loads of `bench.memory`: streams of log entries that are hard on memory, the same ones each time."""

import random
import string
from collections.abc import Callable, Iterator
from typing import Final

from bench.traffic import ON_THE_WAY_MS, Traffic
from collection.hit import FORMAT, RawHit, encode

Entries = Iterator[tuple[bytes, bytes]]

MINUTE_MS: Final = 60_000
EVENTS: Final = 100
SIGNS: Final = string.ascii_letters + string.digits + "-_."
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0"
PAGES: Final = 50_000
HITS_A_VISITOR: Final = 7


def fuzzed(measurement_id: str, hits: int, first_ms: int, days: float) -> Entries:
    """Yields hits of which every value is long and occurs once."""
    rnd = random.Random(1)
    for number, at in _moments(hits, first_ms, days):
        text = "".join(rnd.choices(SIGNS, k=4_000))
        parts = [text[low : low + 400] for low in range(0, 4_000, 400)]
        query = (
            f"v=2&tid={measurement_id}&cid={number}.{number}&sid={number}&en={parts[0][:40]}"
            f"&dl=https://shop.example/{parts[1]}?a={parts[2]}&dr=https://{parts[3][:40]}.example/{parts[3]}&dt={parts[4]}"
            f"&ul={parts[5][:20]}&uid={parts[6][:100]}&ep.a={parts[7]}&ep.b={parts[8]}&cn={parts[9]}"
        ).encode()
        yield query[-40:], _hit(number, at, query, b"", agent=f"{parts[0]} {number}")


def paths(measurement_id: str, hits: int, first_ms: int, days: float) -> Entries:
    """Yields ordinary hits, each of another path."""
    for number, at in _moments(hits, first_ms, days):
        client = number // HITS_A_VISITOR
        query = (
            f"v=2&tid={measurement_id}&cid={client}.{client}&sid={client}&en=page_view&ul=en-us&sr=1920x1080&_s=1"
            f"&dl=https%3A%2F%2Fshop.example%2Fproducts%2F{number}%2Fa-page-of-its-own-{number * 7919}"
            f"&dt=Product%20{number}"
        ).encode()
        yield query[-40:], _hit(number, at, query, b"")


def batches(measurement_id: str, hits: int, first_ms: int, days: float) -> Entries:
    """Yields requests of 100 events each."""
    rnd = random.Random(1)
    for number, at in _moments(hits, first_ms, days):
        page = f"https://shop.example/p/{number % 5_000}"
        query = f"v=2&tid={measurement_id}&cid={number}.1&sid={number}&dl={page}".encode()
        times = enumerate(rnd.choices(range(20_000), k=EVENTS))
        lines = (f"en=event_{n}&_et={time}&ep.name=value-{rnd.getrandbits(40):x}" for n, time in times)
        yield query[-40:], _hit(number, at, query, "\r\n".join(lines).encode())


def ordinary(measurement_id: str, hits: int, first_ms: int, days: float) -> Entries:
    """Yields what browsers send."""
    visitors = max(1_000, hits // HITS_A_VISITOR)
    return Traffic([measurement_id], hits / days / 86_400, visitors=visitors, pages=PAGES).live(hits, first_ms, days)


LOADS: Final[dict[str, tuple[Callable[[str, int, int, float], Entries], int, int]]] = {
    "fuzzed": (fuzzed, 200_000, 1),
    "paths": (paths, 430_000, 1),
    "batches": (batches, 20_000, 1),
    "month": (ordinary, 1_000_000, 30),
}  # by name: the entries, how many hits, over how many days


def _moments(hits: int, first_ms: int, days: float) -> Iterator[tuple[int, int]]:
    step = days * 1_440 * MINUTE_MS / hits
    return ((number, int(first_ms + number * step)) for number in range(hits))


def _hit(number: int, at: int, query: bytes, body: bytes, agent: str = AGENT.format(120, 120)) -> bytes:
    name, address = f"load{number}", f"192.0.2.{number % 250}"
    return encode(RawHit(FORMAT, name, (at + ON_THE_WAY_MS) * 1_000, "ga4", address, agent, {}, query, body))
