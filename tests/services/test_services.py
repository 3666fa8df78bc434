"""The servers of the marked tests keep what was acknowledged, and are gone when they were stopped."""

import socket
import subprocess
from pathlib import Path

import pytest

from tests.services.fixtures import tell_of_ended
from tests.services.postgres_server import Postgres, program
from tests.services.process import Command, Process, ServiceFailed, ports, taken
from tests.services.redis_server import Redis

LISTENER = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
time.sleep(600)
"""


def listener(folder: Path) -> Command:
    (port,) = ports(folder, 1)
    return Command(["python3", "-c", LISTENER, str(port)], [("127.0.0.1", port)])


def test_it_works(tmp_path: Path) -> None:
    command, process = listener(tmp_path), Process("listener", tmp_path)
    process.start(command)
    process.wait(lambda said: "ready" in said, 60)
    pid = process.pid
    process.start(command)
    assert Process("listener", tmp_path).pid == pid
    process.kill(command.addresses)
    assert process.pid is None
    assert not taken(command.addresses[0])


def test_a_pid_that_was_given_to_another_process_is_not_ours(tmp_path: Path) -> None:
    process = Process("init", tmp_path)
    (tmp_path / "pid").write_text("1 4711")
    assert process.pid is None


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    process = Process("server", tmp_path)
    process.start(Command(["sh", "-c", "echo no disk; exit 1"], []))
    with pytest.raises(ServiceFailed, match="no disk"):
        process.wait(lambda _: False, 60)


def test_what_has_ended_is_told_with_what_it_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command, running = listener(tmp_path / "node1"), Process("node1", tmp_path / "node1")
    running.start(command)
    running.wait(lambda said: "ready" in said, 60)
    ended = Process("node2", tmp_path / "node2")
    ended.start(Command(["sh", "-c", "echo no memory; exit 1"], []))
    with pytest.raises(ServiceFailed):
        ended.wait(lambda _: False, 60)
    tell_of_ended(tmp_path)
    running.kill(command.addresses)
    assert capsys.readouterr().err == "node2 ended:\nno memory\n"


def test_ports_stay_the_same(tmp_path: Path) -> None:
    assert ports(tmp_path, 3)[:2] == ports(tmp_path, 2)


@pytest.mark.redis
def test_redis_keeps_what_it_acknowledged(redis: Redis) -> None:
    assert ask(redis, b"SET kept 1\r\n") == b"+OK\r\n"
    redis.kill9()
    redis.start()
    assert ask(redis, b"GET kept\r\n") == b"$1\r\n1\r\n"


def ask(redis: Redis, words: bytes) -> bytes:
    port = int(redis.address.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(words)
        return client.recv(100)


@pytest.mark.postgres
def test_postgres_keeps_what_it_committed(postgres: Postgres) -> None:
    query(postgres, "CREATE TABLE kept (number INTEGER); INSERT INTO kept VALUES (1)")
    postgres.kill9()
    postgres.start()
    assert query(postgres, "SELECT number FROM kept") == "1\n"


def query(postgres: Postgres, text: str) -> str:
    words = [program("psql"), postgres.address, "-Atqc", text]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout
