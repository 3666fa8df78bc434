"""An installation of real processes that seals after a few hits, and checks of its final numbers."""

import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bench.site import ROOT, Site
from processing.ingest.receive import hash64
from processing.segments.view_cache import ViewCache
from processing.store import open_store
from tests.faults.senders import Senders

EVER = (date(2015, 1, 1), date(2100, 1, 1))


class EagerSite(Site):
    """A Site whose worker seals every few hits. A killed process is started again at once, as by the supervisor."""

    def __init__(self, port: int, folder: Path, outputs: Path) -> None:
        """The output of the processes goes into files in the folder `outputs`."""
        folder.mkdir(exist_ok=True)
        super().__init__(port, folder=str(folder))
        self.outputs = outputs
        self.commands: dict[str, tuple[str, ...]] = {}

    @property
    def store(self) -> str:
        """Its address."""
        return f"sqlite://{self.folder}/store"

    def __enter__(self) -> "EagerSite":
        super().__enter__()
        return self

    def start(self, name: str, *arguments: str) -> None:
        self.commands[name] = arguments
        command = ("-m", "tests.faults.eager_worker") if name == "worker" else arguments
        with (self.outputs / f"{name}.out").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )

    def said(self, name: str) -> str:
        return (self.outputs / f"{name}.out").read_text()

    def kill(self, name: str) -> None:
        """The process must be running: it may not have ended by itself."""
        process = self.processes[name]
        assert process.poll() is None, self.said(name)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.start(name, *self.commands[name])

    def ready(self) -> bool:
        with suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
            return True
        return False


def wait_until_counted(site: Site, number: int) -> dict[str, object]:
    for _ in range(300):
        status: dict[str, object] = site.status(number)
        if status["pending"] == 0:
            return status
        time.sleep(0.1)
    raise TimeoutError(str(status))


def check_status(status: dict[str, object], senders: Senders) -> None:
    """Checks accepted = counted + rejected, and that only repeated hits were rejected, as duplicates."""
    repeated = senders.sent.total() - len(senders.sent)
    assert len(senders.accepted) == len(senders.sent) > 0
    assert status["counted"] == len(senders.accepted)
    assert status["accepted"] == int(str(status["counted"])) + int(str(status["rejected"]))
    assert int(str(status["rejected"])) <= repeated
    assert status["lost"] == 0


def check_ids(store: str, number: int, senders: Senders) -> None:
    """Checks that exactly the accepted hits are counted. `store`: the address of the store."""
    view = ViewCache(open_store(store)).view(number)
    found = Counter(view.events(*EVER, ["hit"])["hit"].to_list())
    assert found == Counter(hash64(id) for id in senders.accepted)
    assert set(view.rejected(*EVER)["reason"]) <= {"duplicate"}
