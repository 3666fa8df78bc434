"""The engines of one machine keep the promises of the port, and their own about processes."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from processing.engine import Engine, EngineFailed, Stopped, TaskFailed, open_engine
from processing.engine.embedded import ProcessEngine, SerialEngine
from tests.contract import engine_tasks
from tests.contract.engine_contract import EngineContract, WorkersContract
from tests.contract.engine_tasks import attempts, await_end_of_holders, await_that, jobs, kill_a_parent, workers


def children() -> set[int]:
    """The processes that this one started, those that ended and were not asked for included."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
            found |= {pid} if parent == os.getpid() else set()
    return found


@pytest.fixture
def engine() -> Iterator[Engine]:
    before = children()
    engine = ProcessEngine(2, nice=0)  # the tests of a busy machine are to end one day
    yield engine
    engine.close()
    assert children() <= before


class TestProcessEngine(EngineContract, WorkersContract):
    ROOM = 2


class TestSerialEngine(EngineContract):
    ROOM = 1

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        engine = SerialEngine()
        yield engine
        engine.close()


class TestAddresses:
    def test_it_works(self) -> None:
        engine = open_engine("processes://")
        assert isinstance(engine, ProcessEngine)
        assert dict(engine.run(engine_tasks.square, range(3))) == {0: 0, 1: 1, 2: 4}

    def test_a_number_of_processes(self, tmp_path: Path) -> None:
        list(open_engine("processes://3").run(engine_tasks.meet, jobs(tmp_path, 3)))
        assert len(set(workers(tmp_path))) == 3

    def test_none_but_this_process(self, tmp_path: Path) -> None:
        list(open_engine("processes://0").run(engine_tasks.note, jobs(tmp_path, 3)))
        assert set(workers(tmp_path)) == {os.getpid()}

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "processes",
            "threads://2",
            "processes://two",
            "processes://-1",
            "processes://2/3",
            "processes://²",
            "processes://2?more=1",
            "spark://",
            "spark://127.0.0.1",
            "spark://10.0.0.5:7077",
            "spark://127.0.0.1:7077/x",
            "spark://127.0.0.1:7077?user=1",
            "spark://127.0.0.1:7077?driver=",
            "spark-local://0",
            "spark-local://2?x=1",
        ],
    )
    def test_others_are_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match="engine"):
            open_engine(url)


def test_nothing_is_left_behind(engine: Engine, tmp_path: Path) -> None:
    before = children()
    list(engine.run(engine_tasks.square, range(5)))
    assert children() == before
    with pytest.raises(TaskFailed):
        list(engine.run(engine_tasks.fail, range(5)))
    assert children() == before
    run = engine.run(engine_tasks.hold, jobs(tmp_path, 5))
    next(run)
    assert len(children()) == len(before) + 2
    run.close()
    assert children() == before


def test_closing_leaves_nothing_behind(engine: Engine, tmp_path: Path) -> None:
    before = children()
    run = engine.run(engine_tasks.hold, jobs(tmp_path, 5))
    next(run)
    engine.close()
    assert children() == before


def test_closing_in_another_thread(engine: Engine, tmp_path: Path) -> None:
    run = engine.run(engine_tasks.hold, jobs(tmp_path, 5))
    next(run)
    closing = threading.Thread(target=engine.close)
    closing.start()
    with pytest.raises(Stopped):
        next(run)
    closing.join()


def test_children_have_a_lower_priority() -> None:
    [(_, child)] = ProcessEngine(1).run(engine_tasks.surroundings, [1])
    assert child.nice == min(os.nice(0) + 10, 19)


def test_children_have_one_thread_of_polars(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    [(_, child)] = engine.run(engine_tasks.surroundings, [1])
    assert child.polars_threads == 1


def test_the_operator_may_say_how_many_threads(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLARS_MAX_THREADS", "3")
    [(_, child)] = engine.run(engine_tasks.surroundings, [1])
    assert child.polars_threads == 3


def test_control_c_in_a_terminal_is_for_the_parent(engine: Engine) -> None:
    [(_, child)] = engine.run(engine_tasks.surroundings, [1])
    assert child.group == child.process != os.getpgrp()


def test_processes_are_replaced_after_some_tasks(tmp_path: Path) -> None:
    list(ProcessEngine(1, tasks_each=4, nice=0).run(engine_tasks.note, jobs(tmp_path, 10)))
    by_process = workers(tmp_path)
    assert sorted(by_process.count(process) for process in set(by_process)) == [2, 4, 4]


def test_nothing_is_lost_while_processes_are_replaced(tmp_path: Path) -> None:
    run = ProcessEngine(2, tasks_each=3, nice=0).run(engine_tasks.die_once, jobs(tmp_path, 20))
    assert sorted(run) == [(number, number) for number in range(20)]
    assert {number for number, times in attempts(tmp_path).items() if times > 1} == {2, 5}


def test_there_are_no_more_processes_than_tasks(tmp_path: Path) -> None:
    list(ProcessEngine(8, nice=0).run(engine_tasks.meet, jobs(tmp_path, 2)))
    assert len(set(workers(tmp_path))) == 2


def test_the_thread_that_began_may_end(engine: Engine, tmp_path: Path) -> None:
    """A signal at the end of the parent, as Linux has it, would come at the end of its thread."""
    run = engine.run(engine_tasks.wait_for_go, jobs(tmp_path, 2))
    beginner = threading.Thread(target=next, args=(run,))
    beginner.start()
    beginner.join()
    await_that(lambda: attempts(tmp_path)[1], "it does not start")
    (tmp_path / "go").touch()
    assert list(run) == [(1, 1)]
    assert attempts(tmp_path)[1] == 1


def test_children_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    kill_a_parent("processes://2", tmp_path)
    await_end_of_holders(tmp_path)


def test_a_process_that_cannot_be_started(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EngineFailed, match="cannot be started"):
        list(engine.run(engine_tasks.square, [1]))


def test_a_process_that_ends_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(EngineFailed, match=r"task 0 \(7\).*3 times.*status 1"):
        list(engine.run(engine_tasks.square, [7]))
