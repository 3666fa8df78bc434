"""A failure of a hit, a segment, a property, the disk or a thread of the worker stops no other work."""

import logging
import random
import threading
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest

from configuration.ruleset.context import ReceiveSettings
from processing.concurrency.backoff import LONGEST_PAUSE_S, REMIND_S, Backoff, Task
from processing.concurrency.threads import ThreadEnded
from processing.ingest.geoip import NO_LOCATION, Location, open_geo_database
from processing.models import Range
from processing.receiving.contexts import Contexts
from processing.receiving.range_receiver import MAX_CRASHES
from processing.store.port import CorruptBlob, StoreUnavailable
from processing.workers.worker import Worker, WorkerIntervals
from tests.contract.test_log_embedded_faults import full_disk
from tests.support.installation import BLOG, SHOP, Installation, ga4
from tests.support.killer import Killer
from tests.support.places_file import write_places

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2030, 1, 1))


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """An installation whose worker goes on, as the real one does."""
    made = Installation(tmp_path)
    restart(made)
    return made


def restart(here: Installation) -> None:
    here.restart()
    here.worker.backoff = Backoff(lambda: here.now)


def counted(here: Installation, property: ReceiveSettings = SHOP) -> int:
    return here.view(property.id).counts().counted


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_it_works(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged segment stops the sealing of its property only, is said once, and is over when it is whole again."""
    for property in (SHOP, BLOG):
        here.send(ga4(1, property=property))
        here.receive()
        here.worker.seal(everything=True)
    segment = next(here.folder.glob(f"store/segments/{SHOP.id}-built*"))
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-5] + b"wrong")
    restart(here)
    for number, property in enumerate([SHOP, BLOG, SHOP], 2):
        here.send(ga4(number, property=property))
        here.receive()
        here.worker.seal(everything=True)
    assert here.view(BLOG.id).tail.hits == 0
    with pytest.raises(CorruptBlob):
        here.view(SHOP.id)
    assert [message for message in errors(caplog) if "sealing" in message] == [
        f"sealing property {SHOP.id} failed and is tried again: CorruptBlob: list of sections of segment {segment.stem}"
    ]
    segment.write_bytes(whole)
    here.worker.seal(everything=True)
    assert (counted(here, SHOP), counted(here, BLOG)) == (3, 2)
    assert f"sealing property {SHOP.id} works again" in caplog.text


def test_a_first_book_that_was_not_committed_is_later(here: Installation, monkeypatch: Any) -> None:
    here.send(ga4(1))
    here.receive()
    with monkeypatch.context() as patch:
        patch.setattr(here.store, "commit", _unavailable)
        assert here.worker.seal(everything=True) == []
    assert counted(here) == 1
    restart(here)
    assert here.worker.seal(everything=True) == [SHOP.id]
    assert (counted(here), here.worker.backlog.ready(0, everything=True)) == (1, [])


def _unavailable(*_: Any) -> None:
    raise StoreUnavailable("the disk is full")


class Trap:
    """Places of one address cannot be looked up, by a mistake of ours."""

    def lookup(self, address: str) -> Location:
        if address == "192.0.2.66":
            raise ZeroDivisionError(f"the place of {address}")
        return NO_LOCATION


def test_a_hit_that_breaks_receiving_is_rejected_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = Installation(tmp_path, places=Trap())
    hits = [ga4(number, hit=f"id{number}") for number in range(50)]
    bad = ga4(20, hit="id20", page="https://shop.example/kept?from=192.0.2.66&by=198.51.100.77")
    here.send(*hits[:20], _from(bad, "192.0.2.66"), *hits[21:])
    assert here.receive() == 50
    here.worker.seal(everything=True)
    counts = here.view().counts()
    assert (counts.accepted, counts.counted) == (50, 49)
    assert {reason: number for reason, number in counts.reasons.items() if number} == {"processing error": 1}
    assert "cannot be received: it is rejected" in caplog.text
    assert "192.0.2.66" not in caplog.text
    view = here.view()
    content = view.with_content(view.rejected(*EVER))["content"].str.join().item()
    assert "shop.example%2Fkept" in unquote(content)
    assert [address for address in ("192.0.2.66", "198.51.100.77") if address in unquote(unquote(content))] == []


def test_a_hit_that_kills_the_process_is_rejected_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first attempts ended without a word: see `test_kills.py` for processes that are killed."""
    here = Installation(tmp_path, places=Killer())
    here.send(*(ga4(number) for number in range(3)), _from(ga4(3), "192.0.2.66"), ga4(4))
    Range.objects.create(log=here.log.id, partition=0, first=0, last=4, context=frozen(here), attempts=MAX_CRASHES)
    here.restart()
    counts = here.view().counts()
    assert (counts.accepted, counts.counted, counts.reasons["processing error"]) == (5, 4, 1)
    assert Range.objects.get().attempts == MAX_CRASHES + 1


def frozen(here: Installation) -> str:
    return Contexts(here.store, here.rules).freeze(here.context)


def _from(hit: Any, address: str) -> Any:
    import msgspec

    return msgspec.structs.replace(hit, address=address)


class NoDisk:
    """A geo database whose file cannot be read: every lookup fails."""

    def lookup(self, address: str) -> Location:
        raise OSError("no disk")


def test_a_failure_that_no_hit_causes_rejects_no_hit(tmp_path: Path) -> None:
    here = Installation(tmp_path, places=NoDisk())
    here.send(ga4(1), ga4(2))
    with pytest.raises(OSError, match="no disk"):
        here.receive()
    here.places = Trap()
    here.restart()
    assert counted(here) == 2


def test_a_damaged_file_of_places_costs_no_hit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_places(tmp_path / "places.mmdb", {"192.0.2.0/24": {"country": {"iso_code": "DE"}}})
    data = path.read_bytes()
    at = data.index(b"country")
    path.write_bytes(data[: at - 1] + b"\xff" * 9 + data[at + 8 :])
    here = Installation(tmp_path, places=open_geo_database(path))
    here.send(ga4(1), ga4(2))
    here.receive()
    assert counted(here) == 2
    assert errors(caplog) == ["the file of places is damaged: some places stay unknown"]


def test_a_range_that_could_not_be_stored_is_stored_later(here: Installation) -> None:
    here.send(ga4(1))
    here.receive()
    here.send(ga4(2), ga4(3))
    with full_disk(1000), pytest.raises(StoreUnavailable):
        here.receive()
    here.send(ga4(4))
    assert counted(here) == 1
    assert here.receive() == 3
    assert counted(here) == 4
    assert [(block.key.first, block.key.last) for block in here.store.blocks()] == [(0, 0), (1, 2), (3, 3)]


def test_a_block_that_cannot_be_read_is_kept(here: Installation, caplog: pytest.LogCaptureFixture) -> None:
    here.send(ga4(1))
    here.receive()
    with here.store._database.write() as connection:  # type: ignore[attr-defined]
        connection.execute("UPDATE payloads SET data = CAST(X'00' || substr(data, 2) AS BLOB)")
    restart(here)
    assert f"{here.log.id}" in errors(caplog)[0]
    here.now += 1000
    here.send(ga4(2, property=BLOG))
    here.receive()
    for _ in range(3):
        here.worker.seal(everything=True)
        here.worker.run_maintenance(0)
        here.now += 1000
    assert [block.key.first for block in here.store.blocks()][0] == 0


def test_a_worker_without_its_sealing_ends(here: Installation, monkeypatch: Any) -> None:
    monkeypatch.setattr(Worker, "_seal_until", lambda worker, stop: None)
    with pytest.raises(ThreadEnded):
        here.worker.run(threading.Event())


def test_a_worker_continues_when_the_store_is_available_again(here: Installation, monkeypatch: Any) -> None:
    here.worker._intervals, here.worker.backoff = WorkerIntervals(turn_s=0.01, maintenance_every_s=1e9), Backoff()
    here.send(ga4(1))
    stop, real, tries = threading.Event(), here.store.put_block, []

    def put_block(*arguments: Any) -> None:
        tries.append(arguments)
        if len(tries) < 3:
            raise StoreUnavailable("the disk is full")
        real(*arguments)
        stop.set()

    monkeypatch.setattr(here.store, "put_block", put_block)
    here.now += 100
    here.worker.receiver._batcher._waiting_since[0] = -1
    here.worker.run(stop)
    assert (len(tries), counted(here)) == (3, 1)


def fail(error: Exception) -> None:
    raise error


def test_an_error_is_logged_once_and_retried_less_and_less_often(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    backoff = Backoff(lambda: now[0], fatal=(KeyError,))
    tried = 0
    while now[0] < REMIND_S / 2:
        if backoff.is_due(Task.SCRUB):
            tried += 1
            with backoff.suppress_and_log(Task.SCRUB):
                fail(ValueError(tried))
        now[0] += 0.5
    assert REMIND_S / 2 / LONGEST_PAUSE_S < tried < REMIND_S / LONGEST_PAUSE_S
    assert errors(caplog) == ["scrubbing the store failed and is tried again: ValueError: 1"]
    with backoff.suppress_and_log(Task.SCRUB):
        fail(TypeError())
    assert len(errors(caplog)) == 2
    with backoff.suppress_and_log(Task.SCRUB):
        pass
    assert (len(backoff), backoff.is_due(Task.SCRUB)) == (0, True)
    with pytest.raises(KeyError), backoff.suppress_and_log(Task.SCRUB):
        fail(KeyError())


def test_a_segment_that_did_not_fit_leaves_nothing(here: Installation) -> None:
    noise = _noise(100_000)
    with full_disk(100_000), pytest.raises(StoreUnavailable):
        here.store.put_segment("s", {"small": pl.DataFrame({"x": [0] * 100_000}), "large": noise})
    assert list((here.folder / "store" / "segments").iterdir()) == []
    here.store.put_segment("s", {"large": noise})
    assert here.store.read("s", "large").equals(noise)


def _noise(rows: int) -> pl.DataFrame:
    rnd = random.Random(1)
    return pl.DataFrame({"x": [rnd.getrandbits(62) for _ in range(rows)]})
