"""The embedded log keeps the promises of the port, and its own about files, crashes and disks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collection.log.embedded import EmbeddedLog
from tests.contract.log_contract import LogContract


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EmbeddedLog]:
        log = EmbeddedLog(tmp_path / "log")
        yield log
        log.close()


class TestEmbeddedLogOfTinyFiles(LogContract):
    """The same promises while every append rotates."""

    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[EmbeddedLog]:
        log = EmbeddedLog(tmp_path / "log", file_bytes=1)
        yield log
        log.close()
