"""A load generator in a separate process: sends hits at a steady rate over keep-alive connections.

    python -m bench.load PORT RATE SECONDS CONNECTIONS MEASUREMENT_ID,...

Prints a line of JSON: sent, ok, the latencies' p50 and p99 (ms), and the moment of each 2xx by measurement id.
"""

import asyncio
import json
import sys
import time

from bench.site import percentile
from bench.traffic import Traffic


class Sender:
    def __init__(self, port: int, traffic: Traffic) -> None:
        self.port, self.traffic = port, traffic
        self.latencies: list[float] = []
        self.acknowledged: dict[str, list[float]] = {}

    async def run(self, start: float, every: float, until: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        due = start
        while due < until:
            await asyncio.sleep(max(0.0, due - time.time()))
            await self._one(reader, writer)
            due += every
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = time.time()
        measurement_id, query, agent = self.traffic.query(int(now * 1000))
        writer.write(
            b"POST /g/collect?%b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: %b\r\nContent-Length: 0\r\n\r\n"
            % (query, agent.encode())
        )
        head = await reader.readuntil(b"\r\n\r\n")
        self.latencies.append(time.time() - now)
        if head.startswith(b"HTTP/1.1 204"):
            self.acknowledged.setdefault(measurement_id, []).append(time.time())


async def main(port: int, rate: float, seconds: float, connections: int, ids: list[str]) -> None:
    sender = Sender(port, Traffic(ids, rate, seed=int(time.time())))
    start = time.time() + 0.2
    every = connections / rate
    await asyncio.gather(*(sender.run(start + number / rate, every, start + seconds) for number in range(connections)))
    times = [1000 * latency for latency in sender.latencies]
    figures = {
        "sent": len(times),
        "ok": sum(map(len, sender.acknowledged.values())),
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
    }
    sys.stdout.write(json.dumps({**figures, "acknowledged": sender.acknowledged}) + "\n")


if __name__ == "__main__":
    _, port, rate, seconds, connections, ids = sys.argv
    asyncio.run(main(int(port), float(rate), float(seconds), int(connections), ids.split(",")))
