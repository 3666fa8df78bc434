"""Kafka in KRaft mode: one broker, or three that keep three copies."""

import base64
import signal
import subprocess
import uuid
from pathlib import Path
from typing import Final, NamedTuple

from tests.services.jars import SERVICES, jars
from tests.services.process import Address, Command, Process, empty, ports, taken

POM: Final = Path(__file__).with_name("kafka_pom.xml")
START_LIMIT_S: Final = 180.0
PLAIN: Final = "plain.PlainLoginModule"
SCRAM: Final = "scram.ScramLoginModule"
HEAP: Final = "400m"
LOGGING: Final = """\
status = warn
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = OUT
logger.settings.name = org.apache.kafka.common.config.AbstractConfig
logger.settings.level = warn
"""


class Security(NamedTuple):
    """A user, and a file with the broker's key and certificate: clients need TLS, user and password."""

    user: str
    password: str
    certificate: Path

    def settings(self) -> dict[str, object]:
        plain, scram = (f"org.apache.kafka.common.security.{name} required" for name in (PLAIN, SCRAM))
        users = f'username="broker" password="broker" user_broker="broker" user_{self.user}="{self.password}"'
        listener = "listener.name.client"
        return {
            "listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            f"{listener}.plain.sasl.jaas.config": f"{plain} {users};",
            f"{listener}.scram-sha-512.sasl.jaas.config": f"{scram};",
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": self.certificate,
            f"{listener}.ssl.truststore.type": "PEM",
            f"{listener}.ssl.truststore.location": self.certificate,
        }

    def format_words(self) -> list[str]:
        return ["--add-scram", f"SCRAM-SHA-512=[name={self.user},password={self.password}]"]


class Kafka:
    """See `tests.services.service.Service`. Nodes are numbered from 1."""

    def __init__(self, folder: Path = SERVICES / "kafka", nodes: int = 1, security: Security | None = None) -> None:
        self.folder, self.nodes, self._security = folder, nodes, security

    @property
    def servers(self) -> str:
        """`127.0.0.1:20001,127.0.0.1:20003`"""
        return ",".join(f"{host}:{port}" for host, port in (self._listens_on(n)[0] for n in self._numbers()))

    @property
    def address(self) -> str:
        return f"kafka://{self.servers}/hits"

    def start(self, *, fresh: bool = False) -> None:
        if fresh:
            self.stop()
            empty(self.folder)
        for number in self._numbers():
            self._prepare(number)
        for number in self._numbers():
            self._spawn(number)
        for number in self._numbers():
            self._wait(number)

    def start_node(self, number: int) -> None:
        """One that was stopped or killed, on what it kept."""
        self._spawn(number)
        self._wait(number)

    def stop(self) -> None:
        """All at once: one that is left alone waits for the others."""
        for number in self._numbers():
            self._process(number).signal(signal.SIGTERM)
        for number in self._numbers():
            self.stop_node(number)

    def stop_node(self, number: int) -> None:
        self._process(number).stop(self._listens_on(number))

    def signal(self, number: signal.Signals, node: int = 1) -> None:
        """Such as SIGSTOP and SIGCONT: a broker that hangs."""
        self._process(node).signal(number)

    def kill9(self, number: int = 1) -> None:
        self._process(number).kill(self._listens_on(number))

    def status(self) -> list[str]:
        made = [n for n in self._numbers() if (self.folder / f"node{n}" / "pid").exists()]
        return [f"kafka {n} {self._listens_on(n)[0][1]} {self._process(n).state()}" for n in made]

    def _numbers(self) -> range:
        return range(1, self.nodes + 1)

    def _process(self, number: int) -> Process:
        return Process(f"Kafka broker {number}", self.folder / f"node{number}")

    def _listens_on(self, number: int) -> list[Address]:
        """For clients, for the other controllers."""
        numbers = ports(self.folder, 2 * self.nodes)
        return [("127.0.0.1", numbers[2 * number - 2]), ("127.0.0.1", numbers[2 * number - 1])]

    def _prepare(self, number: int) -> None:
        folder = self._process(number).folder
        (folder / "log4j2.properties").write_text(LOGGING)
        lines = [f"{name}={value}\n" for name, value in self._settings(number).items()]
        (folder / "server.properties").write_text("".join(lines))
        if not (folder / "data" / "meta.properties").exists():
            tool = ["kafka.tools.StorageTool", "format", "-t", self._cluster_id(), "-c", "server.properties"]
            tool += self._security.format_words() if self._security else []
            subprocess.run(self._java(*tool), cwd=folder, check=True, capture_output=True)

    def _settings(self, number: int) -> dict[str, object]:
        (host, client), (_, controller) = self._listens_on(number)
        return {
            "process.roles": "broker,controller",
            "node.id": number,
            "controller.quorum.voters": ",".join(self._voter(n) for n in self._numbers()),
            "listeners": f"CLIENT://{host}:{client},CONTROLLER://{host}:{controller}",
            "advertised.listeners": f"CLIENT://{host}:{client}",
            "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENT",
            "log.dirs": "data",
            "auto.create.topics.enable": "false",
            "broker.session.timeout.ms": 3000,  # until it passes, a killed broker that starts again is refused
            "broker.heartbeat.interval.ms": 500,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 16 * 2**20,
            "num.network.threads": 2,
            "num.io.threads": 4,
            **self._copies(),
            **(self._security.settings() if self._security else {}),
        }

    def _copies(self) -> dict[str, object]:
        copies, in_sync = (3, 2) if self.nodes >= 3 else (1, 1)
        internal = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
        return {
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            **{f"{name}.replication.factor": copies for name in internal},
            **{f"{name}.num.partitions": 4 for name in internal},
            "transaction.state.log.min.isr": in_sync,
            "share.coordinator.state.topic.min.isr": in_sync,
        }

    def _voter(self, number: int) -> str:
        host, port = self._listens_on(number)[1]
        return f"{number}@{host}:{port}"

    def _cluster_id(self) -> str:
        """Kafka's own form of a UUID. It never begins with a dash, which Kafka's tool would take for an option."""
        path = self.folder / "cluster"
        if not path.exists():
            path.write_text("H" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:])
        return path.read_text()

    def _spawn(self, number: int) -> None:
        command = Command(self._java("kafka.Kafka", "server.properties"), self._listens_on(number))
        self._process(number).start(command)

    def _wait(self, number: int) -> None:
        client = self._listens_on(number)[0]
        self._process(number).wait(lambda said: "Kafka Server started" in said and taken(client), START_LIMIT_S)

    @staticmethod
    def _java(*words: str) -> list[str]:
        small = [f"-Xmx{HEAP}", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true"]
        return ["java", *small, "-Dlog4j2.configurationFile=log4j2.properties", "-cp", f"{jars(POM)}/*", *words]
