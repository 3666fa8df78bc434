"""Visitors are erased: hidden at once, gone from disk soon."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from configuration.models import Property
from configuration.ruleset.context import Context
from configuration.ruleset.ruleset import Ruleset, plain_ruleset
from processing.maintenance.compaction import Retention
from processing.models import Erasure, HistoryRun
from processing.privacy import erasure_requests, tombstones
from processing.privacy.erasure_requests import ErasureRefused, erase_visitors
from processing.reprocessing import rebuild, runs
from processing.reprocessing.run_requests import RequestedAction, create_run, request_action
from processing.schema import NO_VISITOR
from processing.segments.remove_rows import remove_rows, segment_has_visitors
from tests.support.clock import ms
from tests.support.erasing import (
    ERASED,
    KEPT,
    SAID,
    SECRET_PAGE,
    add_shop,
    book,
    figures,
    filled,
    finish,
    key_of,
    never,
    problems,
    traces,
    visitors,
    without_them,
)
from tests.support.installation import BLOG, NOON, SHOP, Installation, ga4
from tests.support.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def shop() -> Property:
    return add_shop()


@pytest.fixture
def here(tmp_path: Path, prepared: Prepared) -> Installation:
    return filled(tmp_path, prepared)


def test_it_works(here: Installation, shop: Property, tmp_path: Path) -> None:
    assert len(traces(here, key_of(ERASED), *SAID)) > 8
    before = figures(here, BLOG.id)
    request = erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    assert figures(here) == without_them(tmp_path)
    assert problems(here) == []
    finish(here)
    request.refresh_from_db()
    assert request.done_at
    assert request.visitors == []
    assert traces(here, key_of(ERASED), *SAID) == []
    assert figures(here) == without_them(tmp_path)
    assert figures(here, BLOG.id) == before
    assert problems(here) == []


def test_old_files_are_deleted_not_only_forgotten(here: Installation, shop: Property) -> None:
    old = {name for name in here.store.segments() if segment_has_visitors(here.store, name, visitors(key_of(ERASED)))}
    assert old
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)
    assert old & set(here.store.segments()) == set()
    assert not [path for path in (here.folder / "store").rglob("*") for name in old if name in path.name]


def test_a_quiet_property_does_not_keep_blocks(here: Installation, shop: Property) -> None:
    """The other property of the last block is not sealed for an hour."""
    blocks = {info.key for info in here.store.blocks()}
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)
    kept = [info.key for info in here.store.blocks()]
    assert kept
    assert set(kept) <= blocks
    assert here.view(BLOG.id).counts().accepted == 5


def test_hits_that_are_still_in_the_log(here: Installation, shop: Property, tmp_path: Path) -> None:
    here.send(ga4(90, client=ERASED, page=SECRET_PAGE))
    request = erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)
    request.refresh_from_db()
    assert request.removed_at
    assert not request.done_at
    here.receive()
    assert figures(here) == without_them(tmp_path)
    finish(here)
    request.refresh_from_db()
    assert request.done_at
    assert traces(here, key_of(ERASED), *SAID) == []
    assert figures(here) == without_them(tmp_path)
    assert problems(here) == []


def test_what_the_visitor_sends_later_is_a_new_visitor_s(here: Installation, shop: Property) -> None:
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    here.send(ga4(90, client=ERASED, at=ms(here.wall_clock()) + 60_000, hit="x1"))
    here.receive()
    hidden = figures(here)
    assert [row[0] for row in hidden[1]].count(key_of(ERASED)) == 1
    finish(here)
    assert figures(here) == hidden
    assert problems(here) == []


def test_hits_from_before_the_property_was_known(tmp_path: Path, shop: Property) -> None:
    here = Installation(tmp_path, [BLOG])
    here.send(ga4(1, client=ERASED, page=SECRET_PAGE), ga4(2, client=KEPT))
    here.receive()
    here.worker.seal(everything=True)
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    assert here.view(0).counts().accepted == 1
    finish(here)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


def test_tombstones_go_when_nothing_can_come_back(here: Installation, shop: Property) -> None:
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)
    assert len(book(here).tombstones) == 1
    here.erasures.finish_requests(here.wall_clock() + timedelta(days=9), lambda _: None)
    assert book(here).tombstones == ()


@pytest.mark.parametrize("keys", [[], [NO_VISITOR], [5, NO_VISITOR]])
def test_nobody_cannot_be_erased(here: Installation, shop: Property, keys: list[int]) -> None:
    before = figures(here)
    with pytest.raises(ErasureRefused):
        erase_visitors(here.store, shop, keys, "ada", here.wall_clock())
    assert figures(here) == before


def test_a_run_gives_way_and_its_past_goes(
    here: Installation, shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the midst of its work, and begins again after the removal."""
    monkeypatch.setattr(rebuild, "TASK_ROWS", 1)
    run = create_run(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).settings), "ada")

    def on_progress(running: HistoryRun) -> None:
        if running.rows_done and not Erasure.objects.exists():
            erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
            assert here.erasures.work(never) == 0  # the run has not given way yet

    assert here.history.work(never, on_progress=on_progress) == 0
    run.refresh_from_db()
    assert run.state == HistoryRun.State.WAITING
    assert here.history.work(never) == 0
    assert here.erasures.work(never) == 1
    assert here.history.work(never) == 1
    assert here.store.generations(SHOP.id) == [1, 2]
    assert figures(here) == without_them(tmp_path)
    finish(here)
    assert figures(here) == without_them(tmp_path)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


def test_after_an_erasure_a_run_cannot_be_rolled_back(here: Installation, shop: Property) -> None:
    run = create_run(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).settings), "ada")
    here.history.work(never)
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)
    assert here.store.generations(SHOP.id) == [2]
    run.refresh_from_db()
    assert run.replaced is None
    with pytest.raises(Exception, match="erasure"):
        request_action(run, RequestedAction.UNDO)


def test_nothing_seals_or_sweeps_while_a_removal_goes_on(
    here: Installation, shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has written so far is in no book yet, and would be swept; a seal would begin it anew, again and again."""

    def slow(*arguments: Any) -> Any:
        book = remove_rows(*arguments)
        if arguments[1] != SHOP.id:
            return book
        here.send(ga4(90, client=KEPT))
        here.receive()
        assert here.worker.seal(everything=True) == [BLOG.id]
        sealed.append(True)
        for _ in range(3):
            here.now += 61.0
            here.worker.run_maintenance(NOON)
        return book

    sealed: list[bool] = []
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    monkeypatch.setattr(tombstones, "remove_rows", slow)
    here.erasures.work(never)
    assert len(sealed) == 1
    assert problems(here) == []
    assert here.view().counts().accepted == 6


def test_a_run_that_adopts_hits_of_somebody_erased(tmp_path: Path, shop: Property) -> None:
    """The hits came before the property was registered, and a run moves the others over before the removal: that has
    failed, and while it waits to be tried again, runs go on.
    """
    here = Installation(tmp_path, [BLOG])
    here.send(ga4(1, client=ERASED, page=SECRET_PAGE), ga4(2, client=KEPT), ga4(3, client=KEPT, property=BLOG))
    here.receive()
    here.worker.seal(everything=True)
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    here.context = Context((SHOP, BLOG))
    create_run(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).settings), "ada")
    Erasure.objects.update(error="StoreUnavailable: no quorum")
    assert here.history.work(never) == 1
    assert (here.view().counts().counted, here.view(0).counts().accepted) == (1, 0)
    finish(here)
    assert (here.view().counts().counted, here.view(0).counts().accepted) == (1, 0)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


def failed_once(here: Installation, shop: Property) -> Erasure:
    """Returns a request whose removal failed, and a waiting run of the same property."""
    request = erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    create_run(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).settings), "ada")
    Erasure.objects.update(error="StoreUnavailable: no quorum")
    return request


def test_no_run_begins_while_a_removal_is_tried_again(
    here: Installation, shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would plan on rows that are being removed, and bring them back."""
    request, states = failed_once(here, shop), list[str]()

    def while_a_run_begins(*arguments: Any) -> Any:
        if arguments[1] == SHOP.id:
            here.history.work(never)
            states.append(HistoryRun.objects.get().state)
        return remove_rows(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(tombstones, "remove_rows", while_a_run_begins)
        assert here.erasures.work(never) == 1
    assert states == [HistoryRun.State.WAITING]
    request.refresh_from_db()
    assert (request.removed_at is not None, request.removing, request.error) == (True, False, "")
    assert here.history.work(never) == 1
    assert figures(here) == without_them(tmp_path)
    finish(here)
    assert figures(here) == without_them(tmp_path)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


def test_a_run_that_began_before_a_removal_could_be_seen_gives_way(
    here: Installation, shop: Property, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_once(here, shop)
    is_erasing, looks = runs._is_erasing, list[bool]()

    def then_a_removal_begins(property: int) -> bool:
        looks.append(is_erasing(property))
        Erasure.objects.update(removing=True)
        return looks[-1]

    monkeypatch.setattr(runs, "_is_erasing", then_a_removal_begins)
    assert here.history.work(never) == 0
    run = HistoryRun.objects.get()
    assert (looks, run.state, run.attempts, run.generation) == ([False, True], HistoryRun.State.WAITING, 0, None)


def test_a_removal_that_began_before_a_run_could_be_seen_gives_way(
    here: Installation, shop: Property, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = failed_once(here, shop)
    is_rebuilt, looks = erasure_requests._is_being_rebuilt, list[bool]()

    def then_a_run_begins(property: int) -> bool:
        looks.append(is_rebuilt(property))
        HistoryRun.objects.update(state=HistoryRun.State.RUNNING)
        return looks[-1]

    monkeypatch.setattr(erasure_requests, "_is_being_rebuilt", then_a_run_begins)
    assert here.erasures.work(never) == 0
    request.refresh_from_db()
    assert (looks, request.removing, request.removed_at) == ([False, True], False, None)
    assert request.error == "StoreUnavailable: no quorum"  # or the run would give way to a removal that fails
    HistoryRun.objects.update(state=HistoryRun.State.WAITING)
    monkeypatch.undo()
    assert here.erasures.work(never) == 1


@pytest.mark.parametrize("retention", [Retention(5, None), Retention(None, 5), Retention(5, 5)], ids=str)
def test_what_has_expired_in_part(here: Installation, shop: Property, tmp_path: Path, retention: Retention) -> None:
    here.worker.seal(everything=True)
    here.retention = {SHOP.id: retention}
    here.wall_clock = lambda: datetime(2026, 11, 28, 12, tzinfo=UTC)  # or the whole of it expires, some day
    here.worker.run_maintenance(ms(here.wall_clock()))
    accepted = here.view().counts().accepted
    kept = [row for row in figures(here)[1] if row[0] != key_of(ERASED)]
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    assert figures(here)[1] == kept
    finish(here)
    assert figures(here)[1] == kept
    assert here.view().counts().accepted < accepted
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


def test_dropped_events_go_with_their_hits(tmp_path: Path, shop: Property) -> None:
    here = Installation(tmp_path)
    nameless = "\n".join(["en=page_view", f"en={'x' * 41}"]).encode()
    hits = [ga4(number, client=client) for number, client in enumerate([KEPT, ERASED, ERASED])]
    here.send(*(msgspec.structs.replace(hit, body=nameless) for hit in hits))
    here.receive()
    here.worker.seal(everything=True)
    assert here.view().counts().dropped == 3
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)
    assert here.view().counts() == (1, 1, 0, 1, {})
