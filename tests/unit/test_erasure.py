"""Visitors and properties erased: hidden at once, gone from disk soon, whatever breaks off in between."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from django.utils import timezone

from collection.hit import RawHit
from configuration.models import Property, PropertySalt
from configuration.rules import Context, PropertySettings
from configuration.ruleset import Ruleset, plain_ruleset
from processing import erasure as erasures
from processing import removal, tombstones
from processing.book import decode_book
from processing.erasure import ErasureRefused, delete_property, erase_visitors
from processing.fsck import Check
from processing.history import Wish, ask, wish
from processing.models import Erasure, HistoryRun, Range
from processing.receive import NO_VISITOR
from processing.removal import knows
from processing.store import block
from processing.upkeep import Retention
from processing.visitors import Keys
from tests.installation import BLOG, NOON, SHOP, Installation, access_log, ga4

pytestmark = pytest.mark.django_db(transaction=True)

EVER = (date(2015, 1, 1), date(2027, 1, 1))
DAY = 24 * 3_600_000
SECRET_PAGE = "https://shop.example/secret-page"
ERASED, KEPT = "77001.88002", "1.1"


def key_of(client: str, property: PropertySettings = SHOP) -> int:
    return Keys(b"secret", {}, {}).by_client_id(property.measurement_id, client)


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(id=SHOP.id, name="Shop", measurement_id=SHOP.measurement_id)


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """Five days of two visitors, one of them on a page that nobody else saw, a bot's hit and a duplicate of theirs; the
    last day is not sealed.
    """
    here = Installation(tmp_path)
    for day in range(5):
        here.send(*day_of(day))
        here.receive()
        if day < 4:
            here.worker.seal(everything=True)
    return here


def day_of(day: int) -> list[RawHit]:
    at, number = NOON + day * DAY, 10 * day
    theirs: dict[str, Any] = {"client": ERASED, "page": SECRET_PAGE, "uid": "jane@example.org"}
    return [
        ga4(number, at=at, client=KEPT),
        ga4(number + 1, at=at, hit=f"x{day}", **theirs),
        ga4(number + 2, at=at + 60_000, hit=f"x{day}", **theirs),
        ga4(number + 3, at=at + 120_000, agent="Googlebot/2.1", **theirs),
        ga4(number + 4, at=at, client=KEPT, property=BLOG),
    ]


def figures(here: Installation, property: int = SHOP.id) -> tuple[Any, ...]:
    view = here.view(property)
    events = view.events(*EVER, ["visitor", "time", "session", "engaged", "duration_ms"])
    return view.counts(), sorted(events.rows()), sorted(view.rejected(*EVER).drop("position").rows())


def expected(folder: Path, wanted: Callable[[RawHit], bool]) -> tuple[Any, ...]:
    """The figures of an installation that the other hits never came to."""
    plain = Installation(folder / f"plain{timezone.now():%f}")
    plain.send(*(hit for day in range(5) for hit in day_of(day) if wanted(hit)))
    plain.receive()
    found = figures(plain)
    Range.objects.filter(log=plain.log.id).delete()
    return found


def without_them(folder: Path) -> tuple[Any, ...]:
    return expected(folder, lambda hit: ERASED.encode() not in hit.query)


def never() -> bool:
    return False


def finish(here: Installation) -> None:
    """What the worker does within two minutes."""
    here.erasures.work(never)
    for _ in range(3):
        here.now += 61.0
        here.worker.tidy(int(timezone.now().timestamp() * 1000) + 120_000)


def erase_and_finish(here: Installation, shop: Property) -> None:
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    finish(here)


def problems(here: Installation) -> list[object]:
    return list(Check(here.log, here.store).problems())


def traces(here: Installation, visitor: int, *texts: str) -> list[str]:
    """Where in the store something of the visitor still is, decoded or not."""
    found = [f"segment {name}" for name in here.store.segments() if knows(here.store, name, visitors(visitor))]
    found += [f"segment {name}" for name in here.store.segments() if _text(here, name, texts)]
    for info in here.store.blocks():
        blob = here.store.blob(info.key)
        for property in here.store.directory(info.key).properties():
            rows = block.rows(blob, property)
            if visitor in rows["visitor"] or any(text in str(rows.to_dicts()) for text in texts):
                found.append(f"block {info.key}")
    plain = [path for path in (here.folder / "store").rglob("*") if path.is_file()]
    return found + [path.name for path in plain for text in texts if text.encode() in path.read_bytes()]


def visitors(*keys: int) -> Any:
    return pl.Series("visitor", keys, dtype=pl.UInt64)


def _text(here: Installation, name: str, texts: tuple[str, ...]) -> bool:
    frames = (here.store.read(name, section) for section in here.store.sections(name))
    return any(text in str(frame.to_dicts()) for frame in frames for text in texts)


SAID = ("77001", "secret-page", "jane")


def test_it_works(here: Installation, shop: Property, tmp_path: Path) -> None:
    assert len(traces(here, key_of(ERASED), *SAID)) > 8
    before = figures(here, BLOG.id)
    request = erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
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
    old = {name for name in here.store.segments() if knows(here.store, name, visitors(key_of(ERASED)))}
    assert old
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    finish(here)
    assert old & set(here.store.segments()) == set()
    assert not [path for path in (here.folder / "store").rglob("*") for name in old if name in path.name]


def test_a_quiet_property_does_not_keep_blocks(here: Installation, shop: Property) -> None:
    """The other property of the last block is not sealed for an hour."""
    blocks = {info.key for info in here.store.blocks()}
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    finish(here)
    kept = [info.key for info in here.store.blocks()]
    assert kept
    assert set(kept) <= blocks
    assert here.view(BLOG.id).counts().accepted == 5


def test_hits_that_are_still_in_the_log(here: Installation, shop: Property, tmp_path: Path) -> None:
    here.send(ga4(90, client=ERASED, page=SECRET_PAGE))
    request = erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
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
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    later = int((timezone.now() + timedelta(minutes=1)).timestamp() * 1000)
    here.send(ga4(90, client=ERASED, at=later, hit="x1"))
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
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    assert here.view(0).counts().accepted == 1
    finish(here)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


def test_tombstones_go_when_nothing_can_come_back(here: Installation, shop: Property) -> None:
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    finish(here)
    assert len(book(here).erased) == 1
    here.erasures.tidy(datetime.now(tz=UTC) + timedelta(days=9), lambda _: None)
    assert book(here).erased == ()


def book(here: Installation, property: int = SHOP.id) -> Any:
    manifest = here.store.manifest(property)
    assert manifest
    return decode_book(manifest.data)


@pytest.mark.parametrize("keys", [[], [NO_VISITOR], [5, NO_VISITOR]])
def test_nobody_cannot_be_erased(here: Installation, shop: Property, keys: list[int]) -> None:
    before = figures(here)
    with pytest.raises(ErasureRefused):
        erase_visitors(here.store, shop, keys, "ada")
    assert figures(here) == before


def test_a_run_is_waited_for_and_its_past_goes(here: Installation, shop: Property, tmp_path: Path) -> None:
    rules = Ruleset(SHOP.id, 1, plain_ruleset(SHOP).basics)
    ask(here.store, rules, "ada")
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    assert here.erasures.work(never) == 0
    here.history.work(never)
    assert here.store.generations(SHOP.id) == [1, 2]
    assert figures(here) == without_them(tmp_path)
    assert problems(here) == []
    finish(here)
    assert here.store.generations(SHOP.id) == [2]
    assert figures(here) == without_them(tmp_path)
    assert traces(here, key_of(ERASED), *SAID) == []
    run = HistoryRun.objects.get()
    assert run.replaced is None
    with pytest.raises(Exception, match="erasure"):
        wish(run, Wish.UNDO)


def test_nothing_seals_or_sweeps_while_a_removal_goes_on(
    here: Installation, shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has written so far is in no book yet, and would be swept; a seal would begin it anew, again and again."""
    remove_rows = removal.remove_rows

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
            here.worker.tidy(NOON)
        return book

    sealed: list[bool] = []
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    monkeypatch.setattr(tombstones, "remove_rows", slow)
    here.erasures.work(never)
    assert len(sealed) == 1
    assert problems(here) == []
    assert here.view().counts().accepted == 6


def test_a_run_that_adopts_hits_of_somebody_erased(tmp_path: Path, shop: Property) -> None:
    """The hits came before the property was registered, and a run moves the others over before the removal."""
    here = Installation(tmp_path, [BLOG])
    here.send(ga4(1, client=ERASED, page=SECRET_PAGE), ga4(2, client=KEPT), ga4(3, client=KEPT, property=BLOG))
    here.receive()
    here.worker.seal(everything=True)
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    here.context = Context((SHOP, BLOG))
    ask(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).basics), "ada")
    assert here.history.work(never) == 1
    assert (here.view().counts().counted, here.view(0).counts().accepted) == (1, 0)
    finish(here)
    assert (here.view().counts().counted, here.view(0).counts().accepted) == (1, 0)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []


@pytest.mark.parametrize("retention", [Retention(5, None), Retention(None, 5), Retention(5, 5)], ids=str)
def test_what_has_expired_in_part(here: Installation, shop: Property, tmp_path: Path, retention: Retention) -> None:
    here.worker.seal(everything=True)
    here.worker._retention = lambda: {SHOP.id: retention}
    now = NOON + 8 * DAY
    here.worker.tidy(now)
    accepted = here.view().counts().accepted
    kept = [row for row in figures(here)[1] if row[0] != key_of(ERASED)]
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
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
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada")
    finish(here)
    assert here.view().counts() == (1, 1, 0, 1, {})


class Killed(BaseException):
    pass


def dies(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def dying(*arguments: Any, **options: Any) -> Any:
        if after:
            step(*arguments, **options)
        raise Killed

    return dying


STEPS = [
    (erasures, "erase"), (erasures, "remove_erased"), (tombstones, "remove_generation"), (tombstones, "seal"),
    (tombstones, "remove_rows"), (tombstones, "commit"), (erasures, "_leave_no_way_back"), (erasures, "clean_blocks"),
    (erasures, "orphans"), (erasures, "_close"),
]  # fmt: skip


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=lambda value: value if isinstance(value, str) else "")
def test_broken_off_anywhere_it_goes_on(
    here: Installation, shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, step: str,
    after: bool,
) -> None:  # fmt: skip
    ask(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).basics), "ada")
    here.history.work(never)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies(getattr(module, step), after=after))
        with pytest.raises(Killed):
            erase_and_finish(here, shop)
    here.restart()
    finish(here)
    assert figures(here) == without_them(tmp_path)
    assert traces(here, key_of(ERASED), *SAID) == []
    assert problems(here) == []
    assert Erasure.objects.get().done_at


def test_a_deleted_property(here: Installation, shop: Property) -> None:
    PropertySalt.objects.create(property_number=SHOP.id, secret=b"salt")
    ask(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).basics), "ada")
    before = figures(here, BLOG.id)
    delete_property(shop, "ada", hits=20)
    assert not Property.objects.filter(pk=SHOP.id).exists()
    here.context = Context((BLOG,))
    assert here.erasures.work(never) == 0
    here.history.work(never)
    finish(here)
    assert Erasure.objects.get().done_at
    assert not Property.with_deleted.exists()
    assert not PropertySalt.objects.exists()
    assert not HistoryRun.objects.exists()
    assert traces(here, key_of(KEPT), *SAID) == []
    assert [name for name in here.store.segments() if name.startswith(f"{SHOP.id}-")] == []
    assert here.view().counts().accepted == 0
    assert figures(here, BLOG.id) == before
    assert problems(here) == []
    assert book(here).erased_hits == 20


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("module", "step"),
    [
        (erasures, "delete"),
        (tombstones, "seal"),
        (tombstones, "commit"),
        (erasures, "clean_blocks"),
        (erasures, "_close"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_deletion_that_breaks_off(
    here: Installation, shop: Property, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, after: bool
) -> None:
    delete_property(shop, "ada")
    here.context = Context((BLOG,))
    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies(getattr(module, step), after=after))
        with pytest.raises(Killed):
            finish(here)
    here.restart()
    finish(here)
    assert Erasure.objects.get().done_at
    assert traces(here, key_of(KEPT), *SAID) == []
    assert problems(here) == []
    assert book(here).erased_hits == 20


def test_a_range_that_was_frozen_before_the_deletion(here: Installation, shop: Property) -> None:
    """It is received after it, with rows of the property in its block."""
    delete_property(shop, "ada")
    finish(here)
    here.send(ga4(90, client=ERASED, page=SECRET_PAGE), access_log(91, "no line"))
    here.receive()
    assert here.view().counts().accepted == 0
    assert here.worker.seal(everything=True) == [SHOP.id, BLOG.id]
    assert book(here).erased_hits == 22
    assert problems(here) == []
    for _ in range(3):
        here.now += 61.0
        here.worker.tidy(NOON)
    assert here.store.blocks() == []


def test_hits_of_a_deleted_property_are_those_of_an_unknown_one(here: Installation, shop: Property) -> None:
    delete_property(shop, "ada")
    here.context = Context((BLOG,))
    finish(here)
    here.send(ga4(90))
    here.receive()
    assert here.view(0).counts().reasons == {"unknown property": 1}
    assert problems(here) == []


def test_rules_are_not_applied_to_a_deleted_property(here: Installation, shop: Property) -> None:
    delete_property(shop, "ada")
    with pytest.raises(Exception, match="deleted"):
        ask(here.store, Ruleset(SHOP.id, 1), "ada")
