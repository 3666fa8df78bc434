"""The supervisor with real processes: small Python programs that append their process id to a file."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analytics_site.supervisor import MAX_PAUSE_S, Child, ProcessSpec

ROOT = Path(__file__).resolve().parents[3]
ENDLESS = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
FAILING = "import os, sys; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); sys.exit(3)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + ENDLESS


def program(*specs: tuple[str, str, bool], stop_timeout_s: float = 5.0) -> str:
    listed = ", ".join(
        f"ProcessSpec({name!r}, [sys.executable, '-c', {code!r}, {name!r}], {restart}, Path({name + '.done'!r}).touch)"
        for name, code, restart in specs
    )
    return textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from analytics_site.supervisor import ProcessSpec, Supervisor
        write_line = lambda line: print(line, flush=True)
        supervisor = Supervisor([{listed}], Path('.'), write_line, stop_timeout_s={stop_timeout_s})
        supervisor.run(lambda: Path('serving').exists(), lambda: write_line('ready'))
        write_line('stopped')
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
    for program in running:
        program.process.kill()
        program.process.communicate()


def wait_until(condition: Callable[[], object], seconds: float = 60.0) -> None:
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
    running = start(program(("web", ENDLESS, True), ("worker", ENDLESS, True)))
    wait_until(lambda: running.starts("web") and running.starts("worker"))
    assert "stopped" in running.end(number)
    assert running.process.returncode == 0
    assert not any(alive(pid) for name in ("web", "worker") for pid in running.starts(name))


def test_a_killed_process_is_started_again(start: Callable[[str], Running]) -> None:
    running = start(program(("web", ENDLESS, True), ("worker", ENDLESS, True)))
    wait_until(lambda: running.starts("web") and running.starts("worker"))
    os.kill(running.starts("web")[0], signal.SIGKILL)
    wait_until(lambda: len(running.starts("web")) == 2)
    assert "web ended (SIGKILL)" in running.end()
    assert len(running.starts("worker")) == 1


def test_a_process_that_keeps_failing_is_started_less_often(start: Callable[[str], Running]) -> None:
    running = start(program(("web", FAILING, True)))
    wait_until(lambda: len(running.starts("web")) == 4)
    output = running.end()
    assert output.index("again in 0.2 s") < output.index("again in 0.4 s") < output.index("again in 0.8 s")


def test_a_process_that_runs_once(start: Callable[[str], Running]) -> None:
    running = start(program(("good", "", False), ("bad", FAILING, False)))
    wait_until(lambda: (running.folder / "good.done").exists() and running.starts("bad"))
    time.sleep(0.5)
    assert "bad failed (status 3)" in running.end()
    assert len(running.starts("bad")) == 1
    assert not (running.folder / "bad.done").exists()


def test_a_process_that_ignores_sigterm_is_killed(start: Callable[[str], Running]) -> None:
    running = start(program(("web", STUBBORN, True), stop_timeout_s=0.3))
    wait_until(lambda: running.starts("web"))
    time.sleep(0.2)
    assert "killed" in running.end()
    assert not alive(running.starts("web")[0])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux signals a child when its parent dies")
def test_processes_end_when_their_supervisor_is_killed(start: Callable[[str], Running]) -> None:
    running = start(program(("web", ENDLESS, True)))
    wait_until(lambda: running.starts("web"))
    running.process.kill()
    wait_until(lambda: not alive(running.starts("web")[0]))


def test_readiness_is_announced_once(start: Callable[[str], Running]) -> None:
    running = start(program(("web", ENDLESS, True)))
    wait_until(lambda: running.starts("web"))
    (running.folder / "serving").touch()
    time.sleep(0.5)
    assert running.end().count("ready") == 1


def pauses(folder: Path, *lives: float) -> list[float]:
    """How long a process is left alone after each of these lives, in seconds; time is handed in, nothing waits."""
    lines: list[str] = []
    child = Child(ProcessSpec("web", [sys.executable, "-c", ""]), folder, lines.append)
    now = 0.0
    for life in lives:
        child.update(now)
        wait_until(lambda: not child.is_running)
        now += life
        child.update(now)
        now += MAX_PAUSE_S
    return [float(re.findall(r"again in ([\d.]+) s", line)[0]) for line in lines]


def test_a_process_that_always_fails_is_started_less_and_less_often(tmp_path: Path) -> None:
    assert pauses(tmp_path, *[1.0] * 8) == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_a_process_that_was_healthy_comes_back_soon_however_often_it_is_killed(tmp_path: Path) -> None:
    assert pauses(tmp_path, 1.0, 1.0, 61.0, *[1.0] * 6) == [0.2, 0.4, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0]
