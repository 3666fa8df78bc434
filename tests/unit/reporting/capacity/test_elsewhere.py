"""Heavy work in a process of its own: what it says when it cannot be done."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from processing.store.port import Missing
from reporting.capacity import elsewhere
from reporting.capacity.queue import Busy
from tests.contract.engine_tasks import Job, attempts, die_always, square


@pytest.fixture(autouse=True)
def processes(settings: Any) -> Iterator[None]:
    settings.ENGINE_URL = "processes://"
    elsewhere._engine.cache_clear()
    yield
    elsewhere._engine.cache_clear()


def miss(name: str) -> None:
    raise Missing(name)


def test_it_works() -> None:
    assert elsewhere.run_elsewhere(square, 3) == 9


def test_work_whose_process_ends_is_not_tried_again(tmp_path: Path) -> None:
    """It would take as much memory again, three times as long."""
    with pytest.raises(Busy, match="perhaps for want of memory") as refused:
        elsewhere.run_elsewhere(die_always, Job(tmp_path, 1))
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert attempts(tmp_path)[1] == 1


def test_work_that_takes_longer_than_its_data_is_kept_is_not_told_that_data_is_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(elsewhere, "VIEW_KEPT_S", 0)
    with pytest.raises(Busy, match="rewritten meanwhile. Ask again") as refused:
        elsewhere.run_elsewhere(miss, "1-segment")
    assert refused.value.status == HTTPStatus.SERVICE_UNAVAILABLE


def test_data_that_is_missing_at_once_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "VIEW_KEPT_S", 10_000)
    with pytest.raises(Missing, match="1-segment"):
        elsewhere.run_elsewhere(miss, "1-segment")
