"""What the four kinds of servers have in common."""

from pathlib import Path
from typing import Protocol


class Service(Protocol):
    """One server, or a small cluster. Every method may be called from any process, one at a time."""

    @property
    def folder(self) -> Path:
        """What it keeps, with a log of each process."""

    @property
    def address(self) -> str:
        """As the settings want it."""

    def start(self, *, fresh: bool = False) -> None:
        """Ready on return; `fresh` forgets what was kept. Does nothing where it runs. Raises ServiceFailed."""

    def stop(self) -> None:
        """Ask it to end; it has ended on return."""

    def status(self) -> list[str]:
        """One line for each process."""
