"""Helpers of the tests that erase: an installation with somebody to erase, and a search for whatever is left."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from collection.hit import RawHit
from configuration.models import Property
from configuration.ruleset.context import ReceiveSettings
from processing.ingest.visitor_keys import ByClientId, VisitorKeyFactory
from processing.maintenance.fsck import FsckRun
from processing.models import Range
from processing.privacy.erasure_requests import erase_visitors
from processing.segments.manifest import decode_manifest
from processing.segments.remove_rows import segment_has_visitors
from processing.store import raw_block as block
from tests.support.clock import ms
from tests.support.installation import BLOG, NOON, SHOP, Installation, ga4
from tests.support.prepared import Prepared

EVER = (date(2015, 1, 1), date(2100, 1, 1))
DAY = 24 * 3_600_000
SECRET_PAGE = "https://shop.example/secret-page"
ERASED, KEPT = "77001.88002", "1.1"
SAID = ("77001", "secret-page", "jane")


def key_of(client: str, property: ReceiveSettings = SHOP) -> int:
    return VisitorKeyFactory(b"secret", {}, {}).key(ByClientId(property.measurement_id, client))


def filled(folder: Path, prepared: Prepared) -> Installation:
    """Five days of two visitors, one of them on a page that nobody else saw, a bot's hit and a duplicate of theirs; the
    last day is not sealed.
    """
    return prepared.copy("erasing", folder, Installation, fill)


def fill(here: Installation) -> None:
    for day in range(5):
        here.send(*day_of(day))
        here.receive()
        if day < 4:
            here.worker.seal(everything=True)


def day_of(day: int) -> list[RawHit]:
    at, number = NOON + day * DAY, 10 * day
    theirs: dict[str, Any] = {"client": ERASED, "page": SECRET_PAGE, "uid": "jane@example.org"}
    theirs |= {"dt": "Letters of jane", "dr": f"{SECRET_PAGE}/before", "ck": "jane", "pr1": "idjane~nmSocks of jane"}
    theirs |= {"ep.transaction_id": "order of jane", "ep.search_term": "jane", "ep.description": "no jane"}
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
    return view.counts(), sorted(events.rows()), sorted(view.with_content(view.rejected(*EVER)).drop("position").rows())


def expected(folder: Path, wanted: Callable[[RawHit], bool]) -> tuple[Any, ...]:
    """The figures of an installation that the other hits never came to."""
    plain = Installation(folder / f"plain-{uuid4()}")
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
        here.worker.run_maintenance(ms(here.wall_clock()) + 120_000)


def erase_and_finish(here: Installation, shop: Property) -> None:
    erase_visitors(here.store, shop, [key_of(ERASED)], "ada", here.wall_clock())
    finish(here)


def problems(here: Installation) -> list[object]:
    return list(FsckRun(here.log, here.store).problems())


def traces(here: Installation, visitor: int, *texts: str) -> list[str]:
    """Where in the store something of the visitor still is, decoded or not."""
    found = [
        f"segment {name}" for name in here.store.segments() if segment_has_visitors(here.store, name, visitors(visitor))
    ]
    found += [f"segment {name}" for name in here.store.segments() if _text(here, name, texts)]
    for info in here.store.blocks():
        blob = here.store.blob(info.key)
        for property in here.store.directory(info.key).properties():
            rows = block.property_rows(blob, property)
            if visitor in rows["visitor"] or any(text in str(rows.to_dicts()) for text in texts):
                found.append(f"block {info.key}")
    plain = [path for path in (here.folder / "store").rglob("*") if path.is_file()]
    return found + [path.name for path in plain for text in texts if text.encode() in path.read_bytes()]


def visitors(*keys: int) -> Any:
    return pl.Series("visitor", keys, dtype=pl.UInt64)


def _text(here: Installation, name: str, texts: tuple[str, ...]) -> bool:
    frames = (here.store.read(name, section) for section in here.store.sections(name))
    return any(text in str(frame.to_dicts()) for frame in frames for text in texts)


def book(here: Installation, property: int = SHOP.id) -> Any:
    manifest = here.store.manifest(property)
    assert manifest
    return decode_manifest(manifest.data)


class Killed(BaseException):
    pass


def dies(step: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    def dying(*arguments: Any, **options: Any) -> Any:
        if after:
            step(*arguments, **options)
        raise Killed

    return dying


def add_shop() -> Property:
    return Property.objects.create(id=SHOP.id, name="Shop", measurement_id=SHOP.measurement_id)
