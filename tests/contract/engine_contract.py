"""What every engine must do, whichever adapter keeps the promise: a test class inherits it and provides `engine`.

`ROOM` is how many tasks the engine of the fixture runs at the same time.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest

from processing.engine import Engine, EngineFailed, Stopped, TaskFailed
from tests.contract import engine_tasks
from tests.contract.engine_tasks import Job, attempts, await_end_of_holders, await_that, jobs, kill, workers

SENDABLE = [
    None,
    True,
    -7,
    1.5,
    "text \udcff",
    b"\x00bytes",
    date(2026, 11, 25),
    (1, ("two",)),
    {"a": [1]},
    Job(Path(), 1),
]


class EngineContract:
    ROOM: ClassVar[int]

    def test_it_works(self, engine: Engine) -> None:
        assert dict(engine.run(engine_tasks.square, [2, 3, 4])) == {0: 4, 1: 9, 2: 16}

    def test_each_result_comes_once(self, engine: Engine) -> None:
        numbers = [number for number, _ in engine.run(engine_tasks.echo, range(60))]
        assert sorted(numbers) == list(range(60))

    def test_equal_tasks_are_different_ones(self, engine: Engine) -> None:
        assert sorted(engine.run(engine_tasks.square, [3, 3, 3])) == [(0, 9), (1, 9), (2, 9)]

    def test_no_tasks(self, engine: Engine) -> None:
        assert list(engine.run(engine_tasks.square, [])) == []

    def test_small_values_of_any_kind(self, engine: Engine) -> None:
        assert dict(engine.run(engine_tasks.echo, SENDABLE)) == dict(enumerate(SENDABLE))

    def test_an_engine_runs_again(self, engine: Engine) -> None:
        for start in (0, 5):
            assert sorted(engine.run(engine_tasks.echo, range(start, start + 3))) == [
                (number, start + number) for number in range(3)
            ]

    def test_two_runs_at_once(self, engine: Engine) -> None:
        first, second = engine.run(engine_tasks.echo, "abc"), engine.run(engine_tasks.echo, "xyz")
        begun = [next(first), next(second), next(first), next(second)]
        assert sorted([*begun, *first, *second], key=lambda pair: pair[1]) == [*enumerate("abc"), *enumerate("xyz")]

    def test_an_exception_ends_the_run(self, engine: Engine) -> None:
        with pytest.raises(TaskFailed) as caught:
            list(engine.run(engine_tasks.fail, range(10)))
        assert caught.value.number == 3
        assert caught.value.text == "ValueError: no 3"
        assert 'raise ValueError(f"no {number}")' in caught.value.trace
        assert "task 3: ValueError: no 3" in str(caught.value)

    def test_the_engine_goes_on_after_an_exception(self, engine: Engine) -> None:
        with pytest.raises(TaskFailed):
            list(engine.run(engine_tasks.fail, range(10)))
        assert list(engine.run(engine_tasks.square, [5])) == [(0, 25)]

    @pytest.mark.parametrize(
        ("function", "text"),
        [
            (engine_tasks.fail_secretively, "Secretive"),
            (engine_tasks.leave, "SystemExit: 4"),
            (engine_tasks.unsendable, "lambda"),
        ],
    )
    def test_any_failure_is_told(self, engine: Engine, function: Callable[[int], object], text: str) -> None:
        with pytest.raises(TaskFailed) as caught:
            list(engine.run(function, [1]))
        assert text in caught.value.text

    def test_a_task_that_cannot_be_pickled(self, engine: Engine) -> None:
        with pytest.raises(Exception, match="pickle"):
            list(engine.run(engine_tasks.echo, [1, lambda: None, 2]))

    def test_functions_without_a_name_are_refused(self, engine: Engine) -> None:
        def local(number: int) -> int:
            return number

        unnamed: list[Callable[[int], Any]] = [lambda number: number, local]
        for function in unnamed:
            with pytest.raises(ValueError, match="import"):
                engine.run(function, [1])

    def test_nothing_starts_before_a_result_is_asked_for(self, engine: Engine, tmp_path: Path) -> None:
        run = engine.run(engine_tasks.note, jobs(tmp_path, 3))
        list(engine.run(engine_tasks.square, range(5)))
        assert not attempts(tmp_path)
        run.close()

    def test_a_slow_consumer_is_not_flooded(self, engine: Engine, tmp_path: Path) -> None:
        with closing(engine.run(engine_tasks.note, jobs(tmp_path, 30))) as run:
            next(run)
            list(engine.run(engine_tasks.square, range(30)))  # time enough for 30 tasks
            assert len(attempts(tmp_path)) <= 1 + self.ROOM
            assert len(list(run)) == 29

    def test_stop_at_once(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(Stopped):
            list(engine.run(engine_tasks.note, jobs(tmp_path, 3), lambda: True))
        assert not attempts(tmp_path)

    def test_nothing_starts_after_stop(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(Stopped):
            list(engine.run(engine_tasks.note, jobs(tmp_path, 40), lambda: len(attempts(tmp_path)) > 4))
        list(engine.run(engine_tasks.square, range(40)))  # time enough for 40 tasks
        assert 4 < len(attempts(tmp_path)) <= 5 + 2 * self.ROOM

    def test_stop_comes_too_late(self, engine: Engine) -> None:
        seen: list[tuple[int, int]] = []
        for pair in engine.run(engine_tasks.square, range(3), lambda: len(seen) == 3):
            seen.append(pair)
        assert sorted(seen) == [(0, 0), (1, 1), (2, 4)]

    def test_a_run_may_be_left(self, engine: Engine, tmp_path: Path) -> None:
        run = engine.run(engine_tasks.note, jobs(tmp_path, 30))
        next(run)
        run.close()
        list(engine.run(engine_tasks.square, range(30)))  # time enough for 30 tasks
        assert len(attempts(tmp_path)) <= 1 + self.ROOM

    def test_close_ends_runs(self, engine: Engine) -> None:
        run = engine.run(engine_tasks.square, range(30))
        next(run)
        engine.close()
        engine.close()
        with pytest.raises(Stopped):
            list(run)
        with pytest.raises(ValueError, match="closed"):
            engine.run(engine_tasks.square, [1])


class WorkersContract:
    """Of engines with workers of their own, two at least: where the calling process is the worker, these end it."""

    def test_tasks_run_at_the_same_time(self, engine: Engine, tmp_path: Path) -> None:
        assert len(list(engine.run(engine_tasks.meet, jobs(tmp_path, 2)))) == 2

    def test_only_the_task_of_a_lost_worker_is_repeated(self, engine: Engine, tmp_path: Path) -> None:
        assert sorted(engine.run(engine_tasks.die_once, jobs(tmp_path, 12))) == [
            (number, number) for number in range(12)
        ]
        assert {number for number, times in attempts(tmp_path).items() if times > 1} == {2, 5}

    def test_a_worker_may_be_killed(self, engine: Engine, tmp_path: Path) -> None:
        run = engine.run(engine_tasks.wait_for_go, jobs(tmp_path, 3))
        assert next(run) == (0, 0)
        await_that(lambda: set(attempts(tmp_path)) == {0, 1, 2}, "they do not start")
        for worker in workers(tmp_path):
            kill(worker)
        (tmp_path / "go").touch()
        assert sorted(run) == [(1, 1), (2, 2)]

    def test_a_task_that_ends_its_workers_ends_the_run(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(EngineFailed, match="task 1"):
            list(engine.run(engine_tasks.die_always, jobs(tmp_path, 3)))
        assert attempts(tmp_path)[1] == 3

    def test_the_engine_goes_on_after_such_a_task(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(EngineFailed):
            list(engine.run(engine_tasks.die_always, jobs(tmp_path, 3)))
        assert list(engine.run(engine_tasks.square, [5])) == [(0, 25)]

    def test_stop_abandons_what_runs(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(Stopped):
            list(engine.run(engine_tasks.hold, jobs(tmp_path, 5), lambda: len(attempts(tmp_path)) > 1))
        await_end_of_holders(tmp_path)

    def test_stop_is_asked_while_tasks_run(self, engine: Engine, tmp_path: Path) -> None:
        polls: list[int] = []

        def stop() -> bool:
            polls.append(len(polls))
            if attempts(tmp_path)[1] and len(polls) > 5:
                (tmp_path / "go").touch()
            return False

        assert len(list(engine.run(engine_tasks.wait_for_go, jobs(tmp_path, 2), stop))) == 2

    def test_leaving_a_run_ends_what_runs(self, engine: Engine, tmp_path: Path) -> None:
        run = engine.run(engine_tasks.hold, jobs(tmp_path, 5))
        assert next(run) == (0, 0)
        await_that(lambda: len(attempts(tmp_path)) > 1, "they do not start")
        run.close()
        await_end_of_holders(tmp_path)

    def test_an_exception_ends_what_runs(self, engine: Engine, tmp_path: Path) -> None:
        holder, failing = jobs(tmp_path, 2)[1], Job(tmp_path, -1)
        with pytest.raises(TaskFailed, match="task 1"):
            list(engine.run(engine_tasks.hold_or_fail, [holder, failing]))
        await_end_of_holders(tmp_path)

    def test_closing_ends_what_runs(self, engine: Engine, tmp_path: Path) -> None:
        run = engine.run(engine_tasks.hold, jobs(tmp_path, 5))
        next(run)
        await_that(lambda: len(attempts(tmp_path)) > 1, "they do not start")
        engine.close()
        await_end_of_holders(tmp_path)
        with pytest.raises(Stopped):
            next(run)
