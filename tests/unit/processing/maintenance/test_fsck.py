"""fsck finds whatever is damaged, missing, double or does not add up; and what is damaged is never served."""

import random
import sqlite3
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from processing.maintenance.fsck import FsckRun, Problem
from processing.models import Range
from processing.receiving import ledger
from processing.segments import folding
from processing.segments.manifest import Manifest, OffsetRange, PeriodEntry, Tombstone, decode_manifest, encode_manifest
from processing.segments.view_cache import ViewCache
from processing.sessions.condensed import condensed_rows
from processing.sessions.layers import ROW_ORDER
from processing.store import open_store
from processing.store.embedded.store import EmbeddedStore
from processing.store.port import CorruptBlob, ManifestChange, Missing
from processing.store.rows import ColumnRows, FrameRows, as_frame
from tests.support.installation import BLOG, NOON, SHOP, Installation, access_log, ga4
from tests.unit.processing.test_whole_way import random_hits

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2027, 1, 1))
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
HOUR = 3_600_000


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """Ten hits sealed, of two properties and with rejected ones and a duplicate; four in the tail; three in the log."""
    here = Installation(tmp_path)
    here.send(*(ga4(n, client=f"{n}.1", hit=f"x{n}", created=NOON - n * HOUR) for n in range(6)))
    here.send(ga4(0, client="0.1", hit="x0", created=NOON), ga4(7, agent=BOT), access_log(8, "nonsense"))
    here.send(ga4(9, property=BLOG))
    here.receive()
    here.worker.seal(everything=True)
    here.send(*(ga4(n, client=f"{n % 2}.1") for n in range(20, 24)))
    here.receive()
    here.send(*(ga4(n) for n in range(30, 33)))
    return here


def problems(here: Installation) -> list[Problem]:
    return list(FsckRun(here.log, here.store).problems())


def texts(here: Installation) -> str:
    return "\n".join(problem.text for problem in problems(here))


def kinds(here: Installation) -> set[str]:
    return {problem.kind for problem in problems(here)}


def test_it_works(here: Installation) -> None:
    assert problems(here) == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_adds_up(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    here, left = Installation(tmp_path), random_hits(rnd, 200)
    while left:
        batch, left = left[:30], left[30:]
        here.send(*batch)
        what_happens: list[Callable[[], object]] = [
            here.receive, lambda: here.worker.seal(everything=True), lambda: here.worker.run_maintenance(NOON), int
        ]  # fmt: skip
        rnd.choice(what_happens)()
        assert problems(here) == []


def test_the_command_says_so(here: Installation, settings: Settings) -> None:
    assert "things checked, no problems" in run(here, settings)


def test_the_command_fails_and_advises(here: Installation, settings: Settings) -> None:
    flip_in_table(here, "payloads", "data")
    with pytest.raises(CommandError, match="(?s)problems.*Restore|problems.*restore") as raised:
        run(here, settings)
    assert raised.value.returncode == 1


def run(here: Installation, settings: Settings) -> str:
    settings.LOG_URL, settings.STORE_URL = f"sqlite://{here.folder}/log", f"sqlite://{here.folder}/store"
    settings.DATABASE_URL, settings.IS_CLUSTER = f"sqlite://{here.folder}/django.db", False  # nothing was recorded
    out = StringIO()
    call_command("fsck", stdout=out)
    return out.getvalue()


# Flipped bytes


def flip(data: bytes, at: float = 0.5) -> bytes:
    where = int(len(data) * at)
    return data[:where] + bytes([data[where] ^ 0x10]) + data[where + 1 :]


def flip_in_table(here: Installation, table: str, column: str, file: str = "store/store.db") -> None:
    with sqlite3.connect(here.folder / file) as connection:
        connection.create_function("flip", 1, flip)
        connection.execute(f"UPDATE {table} SET {column} = flip({column})")  # noqa: S608 - our own names
    connection.close()


def segments(here: Installation, kind: str) -> list[Path]:
    return [path for path in (here.folder / "store/segments").iterdir() if f"-{kind}-" in path.name]


def read_everything(here: Installation) -> None:
    """As a new process would."""
    here.restart()
    view = here.view()
    view.events(*EVER, ["path", "visitor", "session"])
    view.rejected(*EVER)


def refused(here: Installation) -> bool:
    try:
        read_everything(here)
    except CorruptBlob:
        return True
    return False


def test_a_damaged_block_is_reported_and_not_served(here: Installation) -> None:
    flip_in_table(here, "payloads", "data")
    assert "store" in kinds(here)
    assert "raw block" in texts(here)
    assert refused(here)


@pytest.mark.parametrize("at", [0.05, 0.3, 0.6, 0.95, 0.9999])
def test_a_damaged_segment_is_reported_and_not_served(at: float, here: Installation) -> None:
    for path in segments(here, "built"):
        path.write_bytes(flip(path.read_bytes(), at))
    assert "store" in kinds(here)
    assert refused(here)


def test_damaged_raw_rows_are_reported(here: Installation) -> None:
    for path in segments(here, "raw"):
        path.write_bytes(flip(path.read_bytes(), 0.2))
    assert {"store", "manifest"} <= kinds(here)


def test_a_damaged_large_section_is_reported_and_not_served(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.store.put_segment("7-large-1", {"rows": pl.DataFrame({"n": range(70_000)})})
    [path] = (tmp_path / "store/segments").glob("*.parquet")
    path.write_bytes(flip(path.read_bytes()))
    assert "section rows of segment 7-large-1" in texts(here)
    with pytest.raises(CorruptBlob):
        here.store.read("7-large-1", "rows")


@pytest.mark.parametrize("table", ["manifests", "contexts"])
def test_a_damaged_manifest_or_context_is_reported_and_not_served(table: str, here: Installation) -> None:
    flip_in_table(here, table, "data")
    assert "store" in kinds(here)
    assert table[:-1] in texts(here)
    with pytest.raises(CorruptBlob):
        read_everything(here)


def test_a_damaged_index_entry_is_reported_and_not_served(here: Installation) -> None:
    with sqlite3.connect(here.folder / "store/store.db") as connection:
        connection.execute("UPDATE blocks SET last = last + 1")
    connection.close()
    here.store = open_store(f"sqlite://{here.folder}/store")
    here.reader = ViewCache(here.store)
    assert "index entry" in texts(here)
    with pytest.raises(CorruptBlob):
        here.view()


def test_a_damaged_batch_of_the_log_is_reported_and_its_hits_are_lost(here: Installation) -> None:
    file = f"log/{0:020d}.log"
    with sqlite3.connect(here.folder / file) as connection:
        [(first, payload)] = connection.execute("SELECT first, payload FROM batch ORDER BY first DESC LIMIT 1")
        connection.execute("UPDATE batch SET payload = ? WHERE first = ?", (flip(payload), first))
    connection.close()
    assert [problem.kind for problem in problems(here)] == ["log"]
    here.receive()
    assert ledger.count_lost() == 3
    assert here.view().counts().accepted == 13
    assert {problem.kind for problem in problems(here)} == {"log"}  # the sums hold: the hits are known to be lost


# What is missing, double, or does not add up


def rewrite(here: Installation, change: Callable[[Manifest], Manifest], property: int = SHOP.id) -> None:
    manifest = here.store.manifest(property)
    assert manifest
    changed = encode_manifest(change(decode_manifest(manifest.data)))
    here.store.commit(property, {manifest.generation: ManifestChange(manifest.version, changed)})


def with_shelf(**changes: Any) -> Callable[[Manifest], Manifest]:
    def change(manifest: Manifest) -> Manifest:
        key, entry = next(iter(manifest.periods.items()))
        changed: PeriodEntry = msgspec.structs.replace(entry, **changes)
        return msgspec.structs.replace(manifest, periods={**manifest.periods, key: changed})

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (with_shelf(counted=999), "the rows"),
        (with_shelf(events=999), "the rows"),
        (with_shelf(rejected={"bot": 999}), "the rows"),
        (with_shelf(layers=()), "cannot be read"),
        (lambda manifest: msgspec.structs.replace(manifest, accepted=manifest.accepted + 1), "accepted are not"),
        (lambda manifest: msgspec.structs.replace(manifest, expired_counted=1), "accepted are not"),
        (lambda manifest: msgspec.structs.replace(manifest, expired_rejected={"bot": 1}), "accepted are not"),
        (lambda manifest: msgspec.structs.replace(manifest, covered=manifest.covered * 2), "overlaps"),
        (
            lambda manifest: msgspec.structs.replace(manifest, covered=(OffsetRange("elsewhere", 0, 0, 5),)),
            "the ledger ends at 0",
        ),
        (lambda manifest: msgspec.structs.replace(manifest, raw=(manifest.raw * 2)[:1]), ""),
    ],
)
def test_a_book_that_differs_from_its_rows(
    change: Callable[[Manifest], Manifest], expected: str, here: Installation
) -> None:
    rewrite(here, change)
    assert expected in texts(here)


def test_hits_that_are_there_twice(here: Installation) -> None:
    def twice(manifest: Manifest) -> Manifest:
        key, entry = next(iter(manifest.periods.items()))
        periods = {**manifest.periods, "2026-10-01": entry}
        return msgspec.structs.replace(manifest, periods=periods, accepted=manifest.accepted + entry.counted)

    rewrite(here, twice)
    assert "more than once" in texts(here)
    assert "sums" in kinds(here)


def test_a_block_that_is_sealed_and_read_as_tail_again(here: Installation) -> None:
    rewrite(here, lambda manifest: msgspec.structs.replace(manifest, covered=()))
    assert "more than once" in texts(here)


def test_a_missing_segment(here: Installation) -> None:
    segments(here, "built")[0].unlink()
    found = texts(here)
    assert "is missing" in found
    here.restart()
    with pytest.raises(Missing):
        [here.view(property).events(*EVER, ["path", "visitor"]) for property in (SHOP.id, BLOG.id)]


def test_a_missing_context(here: Installation) -> None:
    with sqlite3.connect(here.folder / "store/store.db") as connection:
        connection.execute("DELETE FROM contexts")
    connection.close()
    assert "missing: context" in texts(here)


def test_rows_of_somebody_erased(here: Installation) -> None:
    """A tombstone that says removed, where nothing was removed."""
    visitor = here.view().events(*EVER, ["visitor"])["visitor"][0]
    rewrite(
        here, lambda manifest: msgspec.structs.replace(manifest, tombstones=(Tombstone(visitor, 2**60, removed=True),))
    )
    assert "1 hit of erased visitors is still there" in texts(here)


def test_condensed_rows_that_differ_from_their_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "MIN_CONDENSED_EVENTS", 1)

    def some(events: ColumnRows, _: object) -> ColumnRows:
        return FrameRows(condensed_rows(as_frame(events).filter(pl.col("visitor") < 2**63)))

    monkeypatch.setattr(folding, "CondensedRows", some)
    here = Installation(tmp_path)
    here.send(*(ga4(n, client=f"{n}.1") for n in range(20)))
    here.receive()
    here.worker.seal(everything=True)
    condensed, first = problems(here)  # visitors' first events are looked up in the condensed rows
    assert "the condensed rows stand for" in condensed.text
    assert "the first visitors are not those of its events" in first.text


def test_a_missing_block(here: Installation) -> None:
    here.store.delete_blocks([here.store.blocks()[-1].key])
    assert kinds(here) == {"sums"}
    assert "accepted 10 hits, 0 are erased and 0 are lost, but 14 were received (3 pending)" in texts(here)


def test_a_gap_in_the_ledger(here: Installation) -> None:
    Range.objects.order_by("first").first().delete()  # type: ignore[union-attr]
    assert "follows -1" in texts(here)


def test_a_log_that_went_back(here: Installation) -> None:
    Range.objects.create(
        log=here.log.id, partition=0, first=14, last=99, context="", lost=86, done_at="2026-11-24T00:00Z"
    )
    assert "ends at 17, but was received up to 100" in texts(here)


def test_a_range_that_was_broken_off_is_pending(here: Installation) -> None:
    ledger.next_range(here.log.id, 0, 0, 17, "context")
    assert problems(here) == []


def test_hits_trimmed_unread_are_lost_and_add_up(here: Installation) -> None:
    here.log.trim(0, 16)
    here.receive()
    assert (ledger.count_lost(), problems(here)) == (2, [])


def test_it_runs_beside_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever a view is pinned, the worker has received, sealed, merged, deleted and swept since the last one."""
    here, turns, pin = Installation(tmp_path), iter(range(1_000)), EmbeddedStore.pin

    def turn() -> None:
        turn = next(turns)
        here.now += 40
        here.send(*(ga4(turn * 10 + n, client=f"{n}.1", at=NOON - turn * 7 * HOUR) for n in range(10)))
        here.receive()
        if turn % 3 == 0:
            here.worker.seal(everything=True)
        here.worker.run_maintenance(NOON)

    def pin_later(store: EmbeddedStore, property: int) -> Any:
        if store is not here.store:
            turn()
        return pin(store, property)

    for _ in range(8):
        turn()
    monkeypatch.setattr(EmbeddedStore, "pin", pin_later)
    beside = open_store(f"sqlite://{tmp_path}/store")
    for _ in range(12):
        assert list(FsckRun(here.log, beside).problems()) == []
    assert next(turns) > 30


def test_first_sightings_that_are_not_those_of_the_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events in the order of arrival, which is not that of their ids."""
    monkeypatch.setattr(folding, "MIN_CONDENSED_EVENTS", 1)
    monkeypatch.setitem(ROW_ORDER, "events", ("visitor", "time", "position", "index"))
    here = Installation(tmp_path)
    here.send(*(ga4(n, client=f"{n // 2}.1", session=f"{n}") for n in range(40)))
    here.receive()
    here.worker.seal(everything=True)
    [problem] = problems(here)
    assert "the first visitors are not those of its events" in problem.text
