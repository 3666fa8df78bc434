"""Measures what clients that guess at passwords cost the collection: response times of hits with and without them.

    python -m bench.sign_in [--clients 32] [--seconds 15] [--rounds 2] [--addresses 32] [--unlimited]

Half of the clients try the name of a user, half make names up; each tries again as soon as it is answered. Rounds with
and without them take turns. At the end the user signs in from an address of their own. `--unlimited` sets the limits so
high that they do not matter: as many hashes at a time as there are clients.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections import Counter
from http.cookies import SimpleCookie
from multiprocessing import Queue
from multiprocessing.synchronize import Event
from typing import Any, Final
from urllib.parse import urlencode

from bench.record import record
from bench.site import ROOT, Site

RATE: Final = 200  # hits a second
CONNECTIONS: Final = 16
PASSWORD: Final = "the bench's own password"  # noqa: S105
UNLIMITED: Final = {"HITSTREAM_SIGN_IN_TRIES": "1000", "HITSTREAM_PASSWORD_HASHES": "64"}
SET_PASSWORD: Final = f"""
from django.contrib.auth.models import User
user = User.objects.get(username="bench")
user.set_password({PASSWORD!r})
user.save()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--addresses", type=int, default=32)
    parser.add_argument("--unlimited", action="store_true")
    options = parser.parse_args()
    os.environ.update(UNLIMITED if options.unlimited else {})
    with Site(port=8779) as site:
        site.manage("shell", "-v", "0", "-c", SET_PASSWORD)
        for _ in range(options.rounds):
            without = load(site, options.seconds)
            answers, wait_s, under_attack = attacked(site, options)
            say("without", without)
            say(f"with {options.clients} clients", under_attack)
            sys.stdout.write(f"  their answers: {dict(answers)}, the slowest after {wait_s:.1f} s\n")
        began = time.monotonic()
        status = asyncio.run(Guest(site.port, "127.0.0.200").sign_in("bench", PASSWORD))
        sys.stdout.write(f"the user signs in elsewhere: {status} after {time.monotonic() - began:.1f} s\n")
    if not options.unlimited:
        record(sign_in_p99_ms=under_attack["p99_ms"], sign_in_p99_without_ms=without["p99_ms"])


def say(what: str, figures: dict[str, float]) -> None:
    lost = figures["sent"] - figures["ok"]
    sys.stdout.write(f"{what}: p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms, {lost} refused, ")
    sys.stdout.write(f"{figures['cpu_s']:.1f} s of a core\n")
    sys.stdout.flush()


def load(site: Site, seconds: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.load", str(site.port), str(RATE), str(seconds), str(CONNECTIONS)]
    cpu_s = site.cpu_s()
    done = subprocess.run([*command, site.properties[0][1]], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return {**figures, "cpu_s": site.cpu_s() - cpu_s}


def attacked(site: Site, options: argparse.Namespace) -> tuple[Counter[int], float, dict[str, float]]:
    """The clients have a process of their own, and begin before the hits do."""
    context = multiprocessing.get_context("spawn")
    stop, answers = context.Event(), context.Queue()
    process = context.Process(target=guess, args=(site.port, options.clients, options.addresses, stop, answers))
    process.start()
    figures = load(site, options.seconds)
    stop.set()
    found, wait_s = answers.get(timeout=120)
    process.join()
    return found, wait_s, figures


def guess(port: int, clients: int, addresses: int, stop: Event, answers: "Queue[Any]") -> None:
    """Runs the clients until `stop`; puts how often they got each status, and the longest wait (s)."""
    found, waits = Counter[int](), [0.0]

    async def client(number: int) -> None:
        guest = Guest(port, f"127.0.0.{2 + number % addresses}")
        tries = 0
        while not stop.is_set():
            tries += 1
            began = time.monotonic()
            found[await guest.sign_in("bench" if number % 2 else f"user{number}.{tries}", f"guess {tries}")] += 1
            waits[0] = max(waits[0], time.monotonic() - began)

    async def all_of_them() -> None:
        await asyncio.gather(*(client(number) for number in range(clients)))

    asyncio.run(all_of_them())
    answers.put((found, waits[0]))


class Guest:
    """Somebody who signs in from an address of this machine, with a new connection for each request."""

    def __init__(self, port: int, address: str) -> None:
        self._port, self._address, self._token, self._cookie = port, address, "", ""

    async def sign_in(self, name: str, password: str) -> int:
        """Returns the status; 0 if the connection was refused or ended early."""
        try:
            if not self._token:
                head, page = await self._ask("GET /sign-in/ HTTP/1.1\r\n", b"")
                cookies = SimpleCookie("; ".join(re.findall(r"set-cookie: ([^\r;]*)", head, re.IGNORECASE)))
                self._cookie = "; ".join(f"{key}={morsel.value}" for key, morsel in cookies.items())
                self._token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]  # type: ignore[index]
            fields = {"csrfmiddlewaretoken": self._token, "username": name, "password": password}
            head, _ = await self._ask(
                f"POST /sign-in/ HTTP/1.1\r\ncookie: {self._cookie}\r\n", urlencode(fields).encode()
            )
        except (OSError, asyncio.IncompleteReadError, IndexError, TypeError):
            await asyncio.sleep(0.1)
            return 0
        return int(head.split()[1])

    async def _ask(self, head: str, body: bytes) -> tuple[str, str]:
        local = (self._address, 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=local)
        kind = "content-type: application/x-www-form-urlencoded\r\n" if body else ""
        more = f"host: 127.0.0.1\r\nconnection: close\r\n{kind}content-length: {len(body)}\r\n\r\n"
        writer.write((head + more).encode() + body)
        answer = (await reader.read()).decode()
        writer.close()
        before, _, after = answer.partition("\r\n\r\n")
        return before, after


if __name__ == "__main__":
    main()
