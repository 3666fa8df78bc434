"""A load balancer on 127.0.0.1 with its file of `deploy/` as it is, but for the ports."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from tests.services.process import Address, Command, Process, empty, ports, taken

ROOT: Final = Path(__file__).resolve().parents[2]
DOOR: Final = 8080
COLLECTORS: Final = (8001, 8002)
REPORTING: Final = (8010, 8011)
START_LIMIT_S: Final = 60.0


class Balancer:
    """See `tests.services.service.Service`. Stands before these ports: as many as there are in the file, or fewer."""

    name: ClassVar[str]
    file: ClassVar[str]

    def __init__(self, folder: Path, collectors: Sequence[int], reporting: Sequence[int]) -> None:
        self.folder, self._collectors, self._reporting = folder, collectors, reporting

    @property
    def port(self) -> int:
        return ports(self.folder, 1)[0]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, fresh: bool = False) -> None:
        if fresh:
            self.stop()
            empty(self.folder)
        process = self._process()
        text = balancer_file(self.file, self.port, self._collectors, self._reporting)
        (self.folder / self.file).write_text(text)
        process.start(Command(self.command(self.folder / self.file), self._listens_on()))
        process.wait(lambda _: taken(self._listens_on()[0]), START_LIMIT_S)

    def stop(self) -> None:
        self._process().stop(self._listens_on())

    def status(self) -> list[str]:
        return [f"{self.name} {self.port} {self._process().state()}"]

    def command(self, file: Path) -> list[str]:
        raise NotImplementedError

    def _process(self) -> Process:
        return Process(self.name, self.folder)

    def _listens_on(self) -> list[Address]:
        return [("127.0.0.1", self.port)]


def balancer_file(name: str, door: int, collectors: Sequence[int], reporting: Sequence[int]) -> str:
    """With these ports. Where fewer collectors or reporting processes are given, the last stands for the rest."""
    wanted = {DOOR: door, **_filled(COLLECTORS, collectors), **_filled(REPORTING, reporting)}
    return with_ports((ROOT / "deploy" / name).read_text(), wanted)


def with_ports(text: str, wanted: Mapping[int, int]) -> str:
    """Raises KeyError for a port that nothing is said about, ValueError for one that is not in the text."""
    found = {int(port) for port in _addresses(text)}
    if missing := wanted.keys() - found:
        raise ValueError(f"ports are not there any more: {missing}")
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda match: f"127.0.0.1:{wanted[int(match[1])]}", text)


def _addresses(text: str) -> list[str]:
    return re.findall(r"127\.0\.0\.1:(\d+)", text)


def _filled(there: Sequence[int], given: Sequence[int]) -> dict[int, int]:
    return {port: given[min(number, len(given) - 1)] for number, port in enumerate(there)}
