"""Heavy work opens a store of its own, and leaves none open where it runs in the process of the pages."""

from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from configuration.exchange_rates import NO_RATES
from configuration.ruleset.ruleset import Ruleset, encode_ruleset
from processing.segments.read_view import PinnedView
from processing.store import open_store
from processing.store.port import Store, WrongStore
from reporting.kinds import elsewhere
from reporting.kinds.elsewhere import ReportTask, answer_task
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.rules import preview_task
from reporting.rules.preview_task import PreviewTask, compare_with_preview

TODAY = date(2026, 3, 2)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
NOTHING = PinnedView(1, None, (), ())


def count(answers: list[Any]) -> bytes:
    return b"%d" % len(answers)


def answer(store: str, store_id: str) -> object:
    limits = Limits(conditions=1, patterns=1, pattern_characters=1, values=1, rows=1, steps=1)
    return answer_task(ReportTask(store, store_id, (Path(), 0), NOTHING, (), NOW, None, NO_RATES, limits, count))


def compare(store: str, store_id: str) -> object:
    draft = encode_ruleset(Ruleset(1))
    return compare_with_preview(PreviewTask(store, store_id, (Path(), 0), NOTHING, None, draft, (TODAY, TODAY)))


def test_it_works(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}"
    with closing(open_store(url)) as store:
        assert answer(url, store.id) == b"0"


@pytest.mark.parametrize("work", [answer, compare])
def test_heavy_work_closes_its_store(
    work: Callable[[str, str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    def watched(*arguments: Any, **named: Any) -> Store:
        store = open_store(*arguments, **named)
        close = store.close

        def close_and_note() -> None:
            events.append("closed")
            close()

        monkeypatch.setattr(store, "close", close_and_note)
        events.append("opened")
        return store

    for module in (elsewhere, preview_task):
        monkeypatch.setattr(module, "open_store", watched)
    url = f"sqlite://{tmp_path}"
    with_id = open_store(url)
    with_id.close()
    work(url, with_id.id)
    assert events == ["opened", "closed"]


@pytest.mark.parametrize("work", [answer, compare])
def test_heavy_work_reads_no_other_store(work: Callable[[str, str], object], tmp_path: Path) -> None:
    with pytest.raises(WrongStore):
        work(f"sqlite://{tmp_path}", "another")
