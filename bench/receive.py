"""Measures what receiving costs: microseconds of CPU for each hit, by the kind of address and by what hits hide in it.

python -m bench.receive [--hits 4096] [--rounds 9]

`plain`: hits of page views; `escaped`: with a page title in percent escapes and an encoded link; `hidden`: with the
visitor's own address in percent escapes, which is masked on a slow way. To compare two versions, run them in turns.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import date
from statistics import median
from urllib.parse import quote_plus

from collection.hit import FORMAT, RawHit
from collection.protocols import GA4
from configuration.ruleset.context import Context, ReceiveSettings
from processing.ingest.geoip import NoGeoDatabase
from processing.ingest.receive import receive
from processing.ingest.visitor_keys import VisitorKeyFactory

SHOP = ReceiveSettings(id=1, measurement_id="G-BENCH", domains=("shop.example",))
RECEIVED_US = 1_767_225_600_000_000
KEYS = VisitorKeyFactory(b"bench", {date(2026, 1, 1): b"salt"}, {1: b"salt"})
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
KINDS = {
    "plain": "",
    "escaped": "&dt=Caf%C3%A9%20%E2%80%93%20prices%202026&ep.link=https%3A%2F%2Fother.example%2Fa%3Fb%3D1%26c%3D2",
    "hidden": "&ep.note={address}",
}


def hits(kind: str, version: int, count: int) -> Iterator[tuple[int, RawHit]]:
    for number in range(count):
        visitor = number // 4
        address = f"198.51.{visitor // 250 % 250}.{visitor % 250 + 1}"
        if version == 6:
            address = f"2001:db8:{visitor:x}::{visitor % 250 + 1:x}"
        hidden = "".join(f"%{ord(character):02x}" for character in address)
        page = quote_plus(f"https://shop.example/products/{number % 700}?colour=red&size={number % 9}")
        query = (
            f"v=2&tid=G-BENCH&cid={visitor}.1&sid=17&_s=1&en=page_view&dl={page}&sr=1920x1080&ul=en"
            f"&dr=https%3A%2F%2Fsearch.example%2F&_p={number}{KINDS[kind].format(address=hidden)}"
        )
        yield number, RawHit(FORMAT, f"{number}", RECEIVED_US + number, GA4, address, AGENT, {}, query.encode(), b"")


def measure(kind: str, version: int, count: int, rounds: int) -> float:
    batch, context, costs = list(hits(kind, version, count)), Context((SHOP,)), []
    for _ in range(rounds):
        began = time.process_time()
        receive(batch, context, KEYS, NoGeoDatabase())
        costs.append((time.process_time() - began) / count * 1e6)
    return median(costs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    for kind in KINDS:
        for version in (4, 6):
            cost = measure(kind, version, options.hits, options.rounds)
            sys.stdout.write(f"{kind:8} IPv{version} {cost:7.1f} µs a hit\n")


if __name__ == "__main__":
    main()
