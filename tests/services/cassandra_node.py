"""Cassandra: one node, or three on 127.0.0.1 to 127.0.0.3."""

import signal
import socket
from pathlib import Path
from typing import Final

from tests.services.jars import SERVICES, jars
from tests.services.process import Address, Command, Process, empty, ports

POM: Final = Path(__file__).with_name("cassandra_pom.xml")
START_LIMIT_S: Final = 300.0
HEAP: Final = "512m"  # of each of several nodes
HEAP_ALONE: Final = "1g"  # a large segment does not always fit in half of it
# Of CQL's binary protocol, version 4: a request for the options, and the place and value of the answer's opcode.
OPTIONS: Final = bytes([4, 0, 0, 0, 5, 0, 0, 0, 0])
SUPPORTED: Final = (4, 6)

# What Cassandra 5 reaches into of Java 17, module by module.
EXPORTED: Final = (
    *("java.base/jdk.internal.misc", "java.base/java.lang.ref", "java.sql/java.sql", "jdk.unsupported/sun.misc"),
    *("java.management.rmi/com.sun.jmx.remote.internal.rmi", "java.rmi/sun.rmi.registry", "java.rmi/sun.rmi.server"),
    *("jdk.compiler/com.sun.tools.javac.file", "jdk.attach/sun.tools.attach"),
)
OPENED: Final = (
    *(f"java.base/java.{name}" for name in ("lang", "lang.module", "lang.reflect", "io", "util")),
    *(f"java.base/jdk.internal.{name}" for name in ("loader", "ref", "reflect", "math", "module", "util.jar")),
    *("java.base/sun.nio.ch", "jdk.management/com.sun.management.internal", "jdk.compiler/com.sun.tools.javac"),
)
MODULES: Final = (
    *(word for name in EXPORTED for word in ("--add-exports", f"{name}=ALL-UNNAMED")),
    *(word for name in OPENED for word in ("--add-opens", f"{name}=ALL-UNNAMED")),
)
LOGGING: Final = """\
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date{ISO8601} %level %logger{0}: %msg%n</pattern></encoder>
  </appender>
  <logger name="org.apache.cassandra.config.Config" level="WARN"/>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
"""
# A write is acknowledged when it is on the disk: with `periodic` a mere kill -9 loses acknowledged writes.
SETTINGS: Final = """\
cluster_name: hitstream-tests
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
num_tokens: 1
initial_token: '{token}'
auto_bootstrap: false
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: "127.0.0.1:{storage}"}}]
listen_address: {host}
rpc_address: {host}
storage_port: {storage}
native_transport_port: {clients}
commitlog_sync: group
commitlog_sync_group_window: 2ms
disk_failure_policy: stop
commit_failure_policy: stop
auto_snapshot: false
concurrent_reads: 16
concurrent_writes: 16
memtable_heap_space: 128MiB
memtable_offheap_space: 128MiB
file_cache_size: 32MiB
networking_cache_size: 32MiB
key_cache_size: 16MiB
row_cache_size: 0MiB
counter_cache_size: 0MiB
read_request_timeout: 10000ms
write_request_timeout: 10000ms
cas_contention_timeout: 5000ms
request_timeout: 20000ms
"""


class Cassandra:
    """See `tests.services.service.Service`. Nodes are numbered from 1; node N listens on 127.0.0.N."""

    def __init__(self, folder: Path = SERVICES / "cassandra", nodes: int = 1) -> None:
        self.folder, self.nodes = folder, nodes

    @property
    def hosts(self) -> list[str]:
        return [f"127.0.0.{number}" for number in self._numbers()]

    @property
    def port(self) -> int:
        return ports(self.folder, 2)[0]

    @property
    def address(self) -> str:
        return self.url("hitstream")

    def url(self, keyspace: str) -> str:
        return f"cassandra://{','.join(f'{host}:{self.port}' for host in self.hosts)}/{keyspace}"

    def start(self, *, fresh: bool = False) -> None:
        """The first node before the others, which ask it who is there. On return every node tells clients of all."""
        if fresh:
            self.stop()
            empty(self.folder)
        for number in self._numbers():
            self._prepare(number)
        self.start_node(1)
        for number in self._numbers():
            self._spawn(number)
        for number in self._numbers():
            self._wait(number)
        for number in self._numbers() if self.nodes > 1 else ():
            self._wait_for_neighbours(number)

    def start_node(self, number: int = 1) -> None:
        """One that was stopped or killed, on what it kept."""
        self._spawn(number)
        self._wait(number)

    def stop(self) -> None:
        for number in self._numbers():
            self._process(number).signal(signal.SIGTERM)
        for number in self._numbers():
            self.stop_node(number)

    def stop_node(self, number: int) -> None:
        self._process(number).stop(self._listens_on(number))

    def kill9(self, number: int = 1) -> None:
        self._process(number).kill(self._listens_on(number))

    def status(self) -> list[str]:
        made = [n for n in self._numbers() if (self.folder / f"node{n}" / "pid").exists()]
        return [f"cassandra {n} 127.0.0.{n}:{self.port} {self._process(n).state()}" for n in made]

    def _numbers(self) -> range:
        return range(1, self.nodes + 1)

    def _process(self, number: int) -> Process:
        return Process(f"Cassandra node {number}", self.folder / f"node{number}")

    def _listens_on(self, number: int) -> list[Address]:
        """For clients, for the other nodes."""
        return [(f"127.0.0.{number}", port) for port in ports(self.folder, 2)]

    def _prepare(self, number: int) -> None:
        (host, clients), (_, storage) = self._listens_on(number)
        token = -(2**63) + (number - 1) * 2**64 // self.nodes
        folder = self._process(number).folder
        (folder / "logback.xml").write_text(LOGGING)
        settings = SETTINGS.format(token=token, host=host, clients=clients, storage=storage)
        (folder / "cassandra.yaml").write_text(settings)

    def _spawn(self, number: int) -> None:
        process = self._process(number)
        command = Command(self._java(process.folder), self._listens_on(number), {"MALLOC_ARENA_MAX": "4"})
        process.start(command)

    def _wait(self, number: int) -> None:
        client = self._listens_on(number)[0]
        self._process(number).wait(lambda said: "Startup complete" in said and answers(client), START_LIMIT_S)

    def _wait_for_neighbours(self, number: int) -> None:
        """A node answers clients before it has heard of the others; a client that asks it then knows too few nodes."""
        host, port = self._listens_on(number)[0]
        self._process(number).wait(lambda said: nodes_known_to(host, port) == self.nodes, START_LIMIT_S)

    def _java(self, folder: Path) -> list[str]:
        library = jars(POM)
        heap = HEAP_ALONE if self.nodes == 1 else HEAP
        agent = next(library.glob("jamm-*.jar"))  # measures objects; Cassandra does not start without it
        small = [f"-Xms{HEAP}", f"-Xmx{heap}", "-Xss256k", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=512m"]
        where = {
            "logback.configurationFile": folder / "logback.xml",
            "cassandra.config": (folder / "cassandra.yaml").as_uri(),
            "cassandra.storagedir": folder / "data",
            "cassandra.logdir": folder,
        }
        how = {
            "cassandra-foreground": "yes",
            "cassandra.skip_wait_for_gossip_to_settle": 0,
            "cassandra.ring_delay_ms": 1000,
            "java.net.preferIPv4Stack": "true",
            "io.netty.tryReflectionSetAccessible": "true",
            "jdk.attach.allowAttachSelf": "true",
        }
        settings = [f"-D{name}={value}" for name, value in {**where, **how}.items()]
        started = [f"-javaagent:{agent}", "-XX:+ExitOnOutOfMemoryError", "-cp", f"{library}/*"]
        return ["java", *small, *MODULES, *settings, *started, "org.apache.cassandra.service.CassandraDaemon"]


def nodes_known_to(host: str, port: int) -> int:
    """Asks one node how many there are, itself included. A node without tokens cannot be used yet."""
    from cassandra.cluster import Cluster, NoHostAvailable  # a single node needs no driver to be started

    with Cluster([host], port, protocol_version=5) as cluster:
        try:
            peers = cluster.connect().execute("SELECT tokens FROM system.peers_v2")
        except NoHostAvailable:
            return 0
        return 1 + sum(bool(peer.tokens) for peer in peers)


def answers(client: Address) -> bool:
    """Whether it speaks CQL: it listens before it can answer."""
    place, opcode = SUPPORTED
    try:
        with socket.create_connection(client, 5) as connection:
            connection.sendall(OPTIONS)
            return connection.recv(9)[place] == opcode
    except (OSError, IndexError):
        return False
