"""Measures what slow clients cost the good ones: response times and memory of one server, with and without them.

    python -m bench.slow_clients [--kind bodies] [--clients 5000] [--seconds 20] [--addresses 1]

Kinds: `bodies` announce a body and send none; `chunks` send one byte of a chunked body a second; `heads` send one byte
of a header a second; `idle` send one request and stay; `readers` ask for the largest static file and read nothing;
`reports` do so with a computed answer of 4 MB.
They connect again whenever the server closes a connection. With `--addresses 50` they come from as many addresses.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import socket
import statistics
import tempfile
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple

from bench.accept import PORT, ROOT, serving

HIT: Final = b"GET /g/collect?v=2&tid=G-BENCH00001&cid=1.1&en=page_view HTTP/1.1\r\nhost: a\r\n\r\n"
HEALTH: Final = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"
POST: Final = b"POST /g/collect?v=2 HTTP/1.1\r\nhost: a\r\n"
STATIC: Final = "GET /static/{name} HTTP/1.1\r\nhost: a\r\n\r\n"
OPENING: Final = {
    "bodies": POST + b"content-length: 1000\r\n\r\nen=",
    "chunks": POST + b"transfer-encoding: chunked\r\n\r\n",
    "heads": POST + b"x: ",
    "idle": HIT,
    "reports": b"GET /report HTTP/1.1\r\nhost: a\r\n\r\n",
}
EVERY_SECOND: Final = {"chunks": b"1\r\na\r\n", "heads": b"a"}
SERVED: Final = {"reports": "bench.large_answers:application"}
GOOD_CLIENTS: Final = 16
PAUSE_S: Final = 0.02
OPEN_PER_S: Final = 2000
ANSWER_S: Final = 10.0


class Figures(NamedTuple):
    answers: int
    failures: int
    p50_ms: float
    p99_ms: float
    health_ms: float  # the slowest answer of /healthz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=[*OPENING, "readers"], default="bodies")
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--addresses", type=int, default=1)
    options = parser.parse_args()
    raise_open_files()
    (ROOT / "var").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=ROOT / "var", prefix="bench-slow-") as folder,
        serving(SERVED.get(options.kind, "analytics_site.asgi:application"), folder) as pid,
    ):
        asyncio.run(good_clients(3))
        show("without", asyncio.run(good_clients(options.seconds)), pid)
        opening = static_request(Path(folder)) if options.kind == "readers" else OPENING[options.kind]
        arguments = (opening, EVERY_SECOND.get(options.kind, b""), options.clients, options.addresses)
        slow = multiprocessing.get_context("spawn").Process(target=run_slow_clients, args=arguments, daemon=True)
        slow.start()
        time.sleep(options.clients / OPEN_PER_S + 4)
        show(f"with {options.clients} {options.kind}", asyncio.run(good_clients(options.seconds)), pid)
        print(f"{connections_of(pid)} connections are open at the end")
        slow.terminate()
        slow.join()
        time.sleep(5)
        show("afterwards", asyncio.run(good_clients(3)), pid)


def show(title: str, figures: Figures, pid: int) -> None:
    print(
        f"{title:24} {figures.answers:7} answers {figures.failures:5} failures  p50 {figures.p50_ms:7.1f} ms"
        f"  p99 {figures.p99_ms:7.1f} ms  slowest /healthz {figures.health_ms:8.1f} ms"
        f"  memory {memory_mb(pid, 'VmRSS'):5.0f} MB, peak {memory_mb(pid, 'VmHWM'):5.0f} MB",
        flush=True,
    )


async def good_clients(seconds: float) -> Figures:
    """Sends hits over open connections, and asks for health over new ones."""
    stop_at = time.monotonic() + seconds
    times: list[float] = []
    health: list[float] = []
    failures = [0]
    senders = [send_hits(stop_at, times, failures) for _ in range(GOOD_CLIENTS)]
    await asyncio.gather(*senders, ask_health(stop_at, health, failures))
    ordered = sorted(times) or [ANSWER_S]
    p99 = ordered[int(len(ordered) * 0.99)]
    return Figures(len(times), failures[0], statistics.median(ordered) * 1e3, p99 * 1e3, max(health) * 1e3)


async def send_hits(stop_at: float, times: list[float], failures: list[int]) -> None:
    while time.monotonic() < stop_at:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
            try:
                while time.monotonic() < stop_at:
                    times.append(await ask(reader, writer, HIT))
                    await asyncio.sleep(PAUSE_S)
            finally:
                writer.close()
            return
        failures[0] += 1


async def ask_health(stop_at: float, times: list[float], failures: list[int]) -> None:
    while time.monotonic() < stop_at:
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
                await ask(reader, writer, HEALTH)
                writer.close()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            failures[0] += 1
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.2)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> float:
    """Returns the seconds until the head of the answer has arrived. Raises TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(ANSWER_S):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b"content-length: 3" in head:
            await reader.readexactly(3)
    if not head.startswith((b"HTTP/1.1 204", b"HTTP/1.1 200")):
        raise ConnectionError(head.partition(b"\r\n")[0].decode())
    return time.monotonic() - began


def static_request(folder: Path) -> bytes:
    largest = max((path for path in (folder / "static").rglob("*.js")), key=lambda path: path.stat().st_size)
    return STATIC.format(name=largest.name).encode()


def run_slow_clients(opening: bytes, every_second: bytes, clients: int, addresses: int) -> None:
    raise_open_files()
    asyncio.run(slow_clients(opening, every_second, clients, addresses))


async def slow_clients(opening: bytes, every_second: bytes, clients: int, addresses: int) -> None:
    """Runs until the process is ended. Each client connects again when its connection is closed."""
    sources = cycle(f"127.0.{2 + number // 250}.{1 + number % 250}" for number in range(addresses))
    tasks = []
    for _ in range(clients):
        tasks.append(
            asyncio.create_task(slow_client(opening, every_second, "127.0.0.1" if addresses == 1 else next(sources)))
        )
        await asyncio.sleep(1 / OPEN_PER_S)
    await asyncio.gather(*tasks)


async def slow_client(opening: bytes, every_second: bytes, source: str) -> None:
    loop = asyncio.get_running_loop()
    while True:
        connection = socket.socket()
        with connection, suppress(OSError):
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
            connection.bind((source, 0))
            await loop.sock_connect(connection, ("127.0.0.1", PORT))
            await loop.sock_sendall(connection, opening)
            while not is_closed(connection):
                await asyncio.sleep(1 if every_second else 5)  # looking costs the machine that is measured, too
                if every_second:
                    await loop.sock_sendall(connection, every_second)
        await asyncio.sleep(1)


def is_closed(connection: socket.socket) -> bool:
    """Looks without reading: whoever reads is not stalled."""
    try:
        return (
            connection.send(b"") < 0
            or bool(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            or hung_up(connection)
        )
    except OSError:
        return True


def hung_up(connection: socket.socket) -> bool:
    established, state = 1, connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != established


def connections_of(pid: int) -> int:
    descriptors = Path(f"/proc/{pid}/fd")
    links = []
    for path in descriptors.iterdir():
        with suppress(OSError):
            links.append(os.readlink(path))
    return sum(link.startswith("socket:") for link in links)


def memory_mb(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field))) / 1024


def raise_open_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
