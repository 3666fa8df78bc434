"""The Cassandra node of the marked tests: HITSTREAM_TEST_CASSANDRA is its host:port.

HITSTREAM_TEST_CASSANDRA_CONTROL is a command that ends and starts it, when `kill9 1` or `start-node 1` is added to it.
"""

import os
import shlex
import subprocess
from typing import NamedTuple

import pytest


class CassandraNode(NamedTuple):
    address: str  # host:port

    def url(self, keyspace: str) -> str:
        return f"cassandra://{self.address}/{keyspace}"

    def kill(self) -> None:
        """As a power cut does it: SIGKILL."""
        self._control("kill9", "1")

    def start(self) -> None:
        """Returns when the node answers."""
        self._control("start-node", "1")

    def _control(self, *words: str) -> None:
        subprocess.run([*shlex.split(_named("HITSTREAM_TEST_CASSANDRA_CONTROL")), *words], check=True, timeout=300)


def running_node() -> CassandraNode:
    return CassandraNode(_named("HITSTREAM_TEST_CASSANDRA"))


def _named(variable: str) -> str:
    return os.environ.get(variable) or pytest.fail(f"{variable} is not set; tests/cassandra_node.py says what it is")
