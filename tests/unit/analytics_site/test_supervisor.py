"""The supervisor with real processes: small Python programs that write down what happens to them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LASTING = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
DYING = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.exit(3)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LASTING


def program(*parts: tuple[str, str, bool], patience_s: float = 5.0) -> str:
    listed = ", ".join(
        f"Part({name!r}, [sys.executable, '-c', {code!r}, {name!r}], {lasting}, Path({name + '.done'!r}).touch)"
        for name, code, lasting in parts
    )
    return textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from analytics_site.supervisor import Part, Supervisor
        say = lambda line: print(line, flush=True)
        supervisor = Supervisor([{listed}], Path('.'), say, patience_s={patience_s})
        supervisor.run(lambda: Path('steady').exists(), lambda: say('ready'))
        say('stopped')
        """
    )


class Running:
    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def starts(self, name: str) -> list[int]:
        file = self.folder / name
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[0]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Running]]:
    running: list[Running] = []

    def begin(code: str) -> Running:
        running.append(Running(tmp_path, code))
        return running[-1]

    yield begin
    for each in running:
        each.process.kill()
        each.process.communicate()


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_works(start: Callable[[str], Running], number: signal.Signals) -> None:
    running = start(program(("web", LASTING, True), ("worker", LASTING, True)))
    until(lambda: running.starts("web") and running.starts("worker"))
    assert "stopped" in running.end(number)
    assert running.process.returncode == 0
    assert not any(alive(pid) for name in ("web", "worker") for pid in running.starts(name))


def test_a_part_that_is_killed_is_started_again(start: Callable[[str], Running]) -> None:
    running = start(program(("web", LASTING, True), ("worker", LASTING, True)))
    until(lambda: running.starts("web") and running.starts("worker"))
    os.kill(running.starts("web")[0], signal.SIGKILL)
    until(lambda: len(running.starts("web")) == 2)
    assert "web ended (SIGKILL)" in running.end()
    assert len(running.starts("worker")) == 1


def test_a_part_that_dies_again_and_again_is_started_less_often(start: Callable[[str], Running]) -> None:
    running = start(program(("web", DYING, True)))
    until(lambda: len(running.starts("web")) == 4)
    said = running.end()
    assert said.index("again in 0.2 s") < said.index("again in 0.4 s") < said.index("again in 0.8 s")


def test_a_part_that_runs_once(start: Callable[[str], Running]) -> None:
    running = start(program(("good", "", False), ("bad", DYING, False)))
    until(lambda: (running.folder / "good.done").exists() and running.starts("bad"))
    time.sleep(0.5)
    assert "bad did not work out (status 3)" in running.end()
    assert len(running.starts("bad")) == 1
    assert not (running.folder / "bad.done").exists()


def test_a_part_that_does_not_listen_is_killed(start: Callable[[str], Running]) -> None:
    running = start(program(("web", STUBBORN, True), patience_s=0.3))
    until(lambda: running.starts("web"))
    time.sleep(0.2)
    assert "killed" in running.end()
    assert not alive(running.starts("web")[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent is gone")
def test_parts_end_with_a_supervisor_that_is_killed(start: Callable[[str], Running]) -> None:
    running = start(program(("web", LASTING, True)))
    until(lambda: running.starts("web"))
    running.process.kill()
    until(lambda: not alive(running.starts("web")[0]))


def test_readiness_is_announced_once(start: Callable[[str], Running]) -> None:
    running = start(program(("web", LASTING, True)))
    until(lambda: running.starts("web"))
    (running.folder / "steady").touch()
    time.sleep(0.5)
    assert running.end().count("ready") == 1
