"""History on Spark: the same rows, counts and reports as with the embedded engine, and as of an installation that never
knew other rules; also where a run was cancelled, and paused, on its way.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import msgspec
import pytest

from collection.hit import RawHit
from configuration.ruleset.ruleset import Ruleset, encode_ruleset, plain_ruleset, ruleset_name
from processing.models import HistoryRun
from processing.reprocessing import rebuild
from processing.reprocessing.run_requests import RequestedAction, create_run, request_action
from tests.agreement.test_rules_and_history import figures
from tests.support.installation import Installation
from tests.support.random_rules import random_ruleset
from tests.unit.processing.maintenance.test_compaction import BERLIN, DAY, SUMMER_ENDS, random_hits

pytest.importorskip("pyspark", reason="an extra")

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.django_db]

HITS: Final = 300
TASK_ROWS: Final = 40
State = HistoryRun.State


def test_it_works(tmp_path: Path) -> None:
    rnd = random.Random(20_261_126)
    hits = random_hits(rnd, HITS, BERLIN)
    first, second = (random_ruleset(rnd, BERLIN.id, number, plain_ruleset(BERLIN).settings) for number in (1, 2))
    scratch = Installation(tmp_path / "scratch", (BERLIN,))
    under(scratch, second)
    send(scratch, hits)
    expected = figures(scratch, BERLIN)
    embedded, _ = life(tmp_path / "embedded", "processes://0", hits, first, second)
    on_spark, was = life(tmp_path / "spark", "spark-local://2", hits, first, second)
    assert on_spark == embedded == expected
    assert was != expected  # or the rules would change nothing


def life(folder: Path, engine: str, hits: list[RawHit], first: Ruleset, second: Ruleset) -> tuple[Any, Any]:
    """What an installation tells whose history was rewritten, and what it told before."""
    HistoryRun.objects.all().delete()  # of another installation
    here = Installation(folder, (BERLIN,), engine_url=engine)
    under(here, first)
    send(here, hits[: HITS // 2])
    here.worker.seal(everything=True)
    send(here, hits[HITS // 2 : HITS])
    here.worker.seal(everything=True)
    here.worker.run_maintenance(SUMMER_ENDS + 2 * DAY)
    before = figures(here, BERLIN)
    with patch.object(rebuild, "TASK_ROWS", TASK_ROWS):
        cancelled(here, second)
        assert figures(here, BERLIN) == before
        paused(here, second)
        assert figures(here, BERLIN) == before
        under(here, second)
        send(here, hits[HITS:])  # while it is paused
        go_on(here)
    return figures(here, BERLIN), before


def cancelled(here: Installation, rules: Ruleset) -> None:
    run = create_run(here.store, rules, "ada")
    here.history.work(lambda: False, on_progress=on_progress(RequestedAction.CANCEL))
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert here.store.generations(BERLIN.id) == [here.store.live(BERLIN.id)]


def paused(here: Installation, rules: Ruleset) -> None:
    run = create_run(here.store, rules, "ada")
    here.history.work(lambda: False, on_progress=on_progress(RequestedAction.PAUSE))
    run.refresh_from_db()
    assert run.state == State.PAUSED
    assert 0 < run.rows_done < run.rows


def go_on(here: Installation) -> None:
    run = HistoryRun.objects.get(state=State.PAUSED)
    request_action(run, RequestedAction.NONE)
    done = run.rows_done
    progress: list[int] = []
    here.history.work(lambda: False, on_progress=lambda run: progress.append(run.rows_done))
    run.refresh_from_db()
    assert run.state == State.DONE, run.error
    assert progress[0] == done  # what was done is not done again


def on_progress(action: HistoryRun.RequestedAction) -> Callable[[HistoryRun], None]:
    """Requests the action when the first task is done."""

    def act(run: HistoryRun) -> None:
        if run.rows_done:
            request_action(run, action)

    return act


def under(here: Installation, rules: Ruleset) -> None:
    """From now on hits are received under these rules."""
    here.rules = lambda _: {}  # they are put here
    here.store.put_context(ruleset_name(rules.property, rules.number), encode_ruleset(rules))
    here.set_properties([msgspec.structs.replace(BERLIN, rules=rules.number)])
    here.restart()


def send(here: Installation, hits: list[RawHit]) -> None:
    for start in range(0, len(hits), 20):
        here.send(*hits[start : start + 20])
        here.receive()
