"""A real collector whose Kafka stops, hangs, or comes back late: every acknowledged hit is in the topic, once."""

import asyncio
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from collection.hit import decode
from collection.log import Log, open_log, open_log_that_spills, set_up_log
from collection.log.kafka.log import KafkaLog
from collection.log.spill.folders import has_hits
from collection.log.spill.log import SpillingLog
from tests.contract.log_contract import everything
from tests.services.kafka_broker import Kafka
from tests.support.servers import Background, Clients, Server

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # The driver leaves the sockets of refused connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LATE_S = 240.0


@pytest.fixture
def url(kafka: Kafka) -> Iterator[str]:
    url = f"kafka://{kafka.servers}/hits-{uuid.uuid4().hex}"
    set_up_log(url, 3, 1)
    yield url
    kafka.start()


@pytest.fixture
def log(url: str) -> Iterator[Log]:
    log = open_log(url)
    yield log
    log.close()


@pytest.fixture
def server(url: str, tmp_path: Path) -> Iterator[Server]:
    environment = {"COLLECTOR_LOG": url, "COLLECTOR_SPILL": str(tmp_path / "spill")}
    with Server("tests.support.collector_alone:application", environment) as server:
        yield server


class Load(Background):
    """Clients that send until they are stopped; they come back when the server is gone."""

    def __init__(self, server: Server, prefix: str = "hit") -> None:
        super().__init__()
        self._clients = Clients(server.port, prefix, connections=4)
        self.acknowledged = self._clients.acknowledged

    async def send(self) -> None:
        while not self.until.is_set():
            await self._clients.run(self.until)
            await asyncio.sleep(0.05)


def names(log: Log) -> Counter[str]:
    """Counts how often each sent hit is in the topic."""
    return Counter(parse_qs(decode(value).query.decode())["_hid"][0] for value in everything(log))


def wait_until_carried_over(server: Server) -> None:
    give_up = time.monotonic() + LATE_S
    while figure(server, "hitstream_spilled_hits") > 0:
        assert time.monotonic() < give_up, "hits still wait"
        time.sleep(0.1)


def figure(server: Server, name: str) -> float:
    lines = server.get("/metrics").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def resident_mib(server: Server) -> int:
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:"))


def check(log: Log, load: Load) -> None:
    found = names(log)
    assert [name for name in load.acknowledged if found[name] != 1] == []
    assert [name for name, times in found.items() if times > 1] == []


def test_it_works(kafka: Kafka, server: Server, log: Log) -> None:
    with Load(server) as load:
        load.wait_for(2000)
        before = resident_mib(server)
        kafka.stop()
        load.wait_for(10_000)
        assert figure(server, "hitstream_spilled_hits") > 5000
        kafka.start()
        load.wait_for(2000)
    wait_until_carried_over(server)
    assert resident_mib(server) < before + 60
    check(log, load)


def test_a_broker_killed_and_started_repeatedly(kafka: Kafka, server: Server, log: Log) -> None:
    with Load(server) as load:
        for _ in range(3):
            load.wait_for(1000)
            kafka.kill9()
            load.wait_for(1000)
            kafka.start()
    wait_until_carried_over(server)
    check(log, load)


def test_a_broker_that_hangs(kafka: Kafka, server: Server, log: Log) -> None:
    """A broker that continues stores the hits in its queue before the collector searches for them."""
    with Load(server) as load:
        for _ in range(3):
            load.wait_for(1000)
            kafka.signal(signal.SIGSTOP)
            load.wait_for(1000)
            kafka.signal(signal.SIGCONT)
    wait_until_carried_over(server)
    check(log, load)


def test_a_collector_killed_while_kafka_is_unavailable_and_while_it_carries_hits_over(
    kafka: Kafka, server: Server, log: Log
) -> None:
    with Load(server) as load:
        load.wait_for(1000)
        kafka.kill9()
        load.wait_for(3000)
        server.kill()
        server.start()
        load.wait_for(3000)
        kafka.start()
        for _ in range(5):
            time.sleep(1.5)
            server.kill()
            server.start()
    wait_until_carried_over(server)
    check(log, load)


def test_it_carries_over_twice_as_fast_as_hits_come_in(kafka: Kafka, url: str, tmp_path: Path) -> None:
    """A thousand hits a second, through an outage of ten seconds: as long again, at most, until nothing waits."""
    log = open_log_that_spills(url, tmp_path / "spill")
    assert isinstance(log, SpillingLog)
    live = Live(log)
    live.run_for(3)
    kafka.signal(signal.SIGSTOP)
    live.run_for(10)
    spilled = log.spilled
    assert spilled >= 5000
    kafka.signal(signal.SIGCONT)
    began = time.monotonic()
    while log.spilled and time.monotonic() < began + 60:
        live.run_for(0.1)
    took = time.monotonic() - began
    live.run_for(1)
    carried = spilled / took + live.rate
    log.close()
    found = everything(reading := KafkaLog(kafka.servers, url.rpartition("/")[2]))
    reading.close()
    assert sorted(found) == sorted(live.sent)
    assert carried >= 2 * live.rate, f"{spilled} hits took {took:.1f} s"


class Live:
    """Appends a thousand hits a second."""

    rate = 1000
    at_once = 20

    def __init__(self, log: Log) -> None:
        self.log, self.sent = log, list[bytes]()

    def run_for(self, seconds: float) -> None:
        began = time.monotonic()
        for turn in range(round(seconds * self.rate / self.at_once)):
            values = [b"hit %d %s" % (len(self.sent) + number, bytes(300)) for number in range(self.at_once)]
            self.log.append([(b"visitor %d" % (turn % 50), value) for value in values])
            self.sent += values
            time.sleep(max(0.0, began + (turn + 1) * self.at_once / self.rate - time.monotonic()))


def test_hits_of_a_stopped_collector_are_carried_over_by_another(
    kafka: Kafka, server: Server, url: str, log: Log, tmp_path: Path
) -> None:
    """Both spill beside each other; one is killed while Kafka is away, and is never started again."""
    environment = {"COLLECTOR_LOG": url, "COLLECTOR_SPILL": str(tmp_path / "spill")}
    other = Server("tests.support.collector_alone:application", environment)
    with other, Load(other, "other") as load:
        load.wait_for(500)
        kafka.stop()
        load.wait_for(1000)
        other.kill()
    assert has_hits(tmp_path / "spill-2")
    assert figure(server, "hitstream_spilled_hits") == 0
    kafka.start()
    give_up = time.monotonic() + LATE_S
    while has_hits(tmp_path / "spill-2"):
        assert time.monotonic() < give_up, "nobody carries them over"
        time.sleep(0.5)
    check(log, load)
