"""One life of an installation: hits are sent, received, sealed, kept up, in random order, until a write is its last."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection

from collection.hit import RawHit, decode
from collection.log.embedded.log import EmbeddedLog
from configuration.ruleset.context import Context
from configuration.ruleset.ruleset import plain_ruleset
from processing.ingest.receive import hash64
from processing.maintenance import compaction as upkeep
from processing.models import HistoryRun
from processing.reprocessing import rebuild
from processing.reprocessing.run_requests import RequestedAction, RunRefused, create_run, request_action
from tests.faults.disk import Disk
from tests.support.installation import AGENT, BLOG, NOON, SHOP, Installation, ga4

__all__ = ["AGENT", "Life", "judge"]

EVER: Final = (date(2015, 1, 1), date(2030, 1, 1))
HOUR_MS: Final = 3_600_000
DAYS_MS: Final = 24 * HOUR_MS
MOST_HITS: Final = 25
ACTIONS: Final = {"send": 5, "receive": 4, "seal": 3, "tidy": 2, "history": 2}  # how often
PROPERTIES: Final = (SHOP, BLOG)
FIGURES: Final = ("visitor", "hit", "session", "day", "engaged", "active", "duration_ms", "path", "event", "time")
TEXT: Final = {"path": str, "event": str}


class Book:
    """The sender's record, kept outside of the data that may be lost: hits that were sent, hits that were accepted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().split() if path.exists() else []
        self.sent = [int(line[1:]) for line in lines if line[0] == "s"]
        self.accepted = {int(line[1:]) for line in lines if line[0] == "a"}

    def note(self, kind: str, numbers: list[int]) -> None:
        with self._path.open("a") as file:
            file.write("".join(f"{kind}{number}\n" for number in numbers))

    def unanswered(self) -> list[int]:
        return sorted(set(self.sent) - self.accepted)


class Life:
    def __init__(self, home: Path, rnd: random.Random) -> None:
        self._home, self._rnd, self._writes, self._doing = home, rnd, 0, "start"

    def run(self, mode: str, action: str, die_at: int, actions: int) -> str:
        """Ends the process when it writes for the `die_at`th time in such actions; else returns after so many."""

        def before(what: str) -> None:
            self._writes += self._doing == action
            if self._writes > die_at:
                self._die(mode, what)

        self._disk = Disk(self._home / "data", before)
        here = install(self._home / "data", self._rnd)
        for _ in range(actions):
            self._act(here)
        return f"end: {self._writes} writes"

    def _die(self, mode: str, what: str) -> None:
        try:
            self._disk.stop()
            if mode == "power":
                names_kept = self._rnd.random() < 0.5
                self._disk.cut(self._home / "data", self._home / "cut", names_kept=names_kept)
            with (self._home / "last words").open("w") as file:
                file.write(f"{self._doing}: before {what}")
        finally:
            os._exit(0)

    def _act(self, here: Installation) -> None:
        self._doing = self._rnd.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        if self._doing == "send":
            send(here, Book(self._home / "sender"), self._rnd)
        elif self._doing == "receive":
            here.receive()
        elif self._doing == "seal":
            here.worker.seal(everything=True)
        elif self._doing == "history":
            apply_rules(here, self._rnd)
        else:
            here.now += 100
            here.worker.run_maintenance(NOON + self._rnd.choice([0, 1, 5, 40]) * DAYS_MS)


def install(data: Path, rnd: random.Random) -> Installation:
    """An installation in this folder, in which blocks and parts are merged and log files end after a few hits."""
    settings.DATA, connection.settings_dict["NAME"] = data, str(data / "django.db")
    vars(upkeep).update(MERGE_BLOCKS=4, MOST_PARTS=2)
    vars(rebuild).update(TASK_ROWS=20)
    EmbeddedLog.__init__.__kwdefaults__ = {**(EmbeddedLog.__init__.__kwdefaults__ or {}), "file_bytes": 40_000}
    here = Installation(data, [msgspec.structs.replace(item, name=rnd.choice("ab")) for item in PROPERTIES])
    here.context = Context(here.context.properties)
    return here


def apply_rules(here: Installation, rnd: random.Random) -> None:
    """Rules that change nothing are applied to the past of a property, or a run is rolled back."""
    property = rnd.choice(PROPERTIES)
    done = HistoryRun.objects.filter(property=property.id, state=HistoryRun.State.DONE).first()
    with suppress(RunRefused):
        if done and rnd.random() < 0.4:
            request_action(done, RequestedAction.UNDO)
        else:
            create_run(here.store, msgspec.structs.replace(plain_ruleset(property), number=rnd.randrange(1, 4)), "ada")
    here.history.work(lambda: False)


def send(here: Installation, book: Book, rnd: random.Random) -> None:
    """New hits, or those again that were not answered; in one append, as the collector does."""
    again = book.unanswered()
    first = len(set(book.sent))
    numbers = again if again and rnd.random() < 0.7 else list(range(first, first + rnd.randrange(1, MOST_HITS)))
    book.note("s", numbers)
    here.send(*map(hit, numbers))
    book.note("a", numbers)


def hit(number: int) -> RawHit:
    """All that is in it follows from its number."""
    rnd = random.Random(number)
    at = NOON + rnd.randrange(-30 * HOUR_MS, 30 * HOUR_MS)
    property = rnd.choice(PROPERTIES)
    client, page = f"{rnd.randrange(9)}.1", f"https://shop.example/{number}"
    return ga4(number, client=client, at=at, created=at - 5, hit=f"id{number}", property=property, page=page)


def judge(home: Path, rnd: random.Random) -> str:
    """Checks the numbers after a restart, before and after the remaining work. Returns the fault or ""."""
    here = install(home / "data", rnd)
    book = Book(home / "sender")
    if not here.log.ends()[0]:
        return "accepted hits are lost" if book.accepted else ""
    steps: tuple[Callable[[], Any], ...] = (
        here.receive,
        lambda: here.history.work(lambda: False),
        lambda: here.worker.seal(everything=True),
        lambda: here.worker.run_maintenance(NOON + 90 * DAYS_MS),
    )
    wrong = list(_missing(here, book))
    for step in steps:
        step()
        wrong += _problems(here)
    wrong += [f"property {left} cannot be sealed" for left in here.worker.backlog.ready(here.now, everything=True)]
    return "; ".join([*wrong, *_differences(home, here), *here.log.verify(), *here.store.verify()])


def _missing(here: Installation, book: Book) -> Iterator[str]:
    """Every accepted hit is in the log, and nothing that was never sent."""
    found = {int(value.id[1:]) for value in logged(here)}
    if lost := book.accepted - found:
        yield f"accepted, but not in the log: {sorted(lost)}"
    if strange := found - set(book.sent):
        yield f"never sent: {sorted(strange)}"


def logged(here: Installation) -> list[RawHit]:
    end = here.log.ends()[0]
    return [decode(entry.value) for entry in here.log.read(0, 0, end - 1)] if end else []


def _problems(here: Installation) -> Iterator[str]:
    """Each hit of the log is counted once, and each repetition is a duplicate."""
    for property in PROPERTIES:
        sent = [number for value in logged(here) if _of(number := int(value.id[1:])) == property.id]
        expected = sorted((hash64(f"id{number}"), f"/{number}") for number in set(sent))
        view = here.view(property.id)
        counted = sorted(view.events(*EVER, ["hit", "path"]).cast({"path": str}).rows())
        reasons = {reason: number for reason, number in view.counts().reasons.items() if number}
        if counted != expected:
            yield f"property {property.id}: {len(counted)} hits counted, not {len(expected)}"
        if reasons != Counter({"duplicate": len(sent) - len(set(sent))}) + Counter():
            yield f"property {property.id}: rejected {reasons}, {len(sent)} sent"
        if (view.counts().accepted, view.counts().counted) != (len(sent), len(expected)):
            yield f"property {property.id}: {view.counts()}, {len(sent)} sent"


def _of(number: int) -> int:
    return next(item.id for item in PROPERTIES if item.measurement_id.encode() in hit(number).query)


def _differences(home: Path, here: Installation) -> Iterator[str]:
    """An installation that was never disturbed reports the same of the same log."""
    disturbed = [_figures(here, item.id) for item in PROPERTIES]
    here.log.close()
    connection.close()
    shutil.copytree(home.parent / "template", home / "plain")
    shutil.copytree(home / "data" / "log", home / "plain" / "log")
    plain = install(home / "plain", random.Random(0))
    plain.receive()
    for item, figures in zip(PROPERTIES, disturbed, strict=True):
        if figures != _figures(plain, item.id):
            yield f"property {item.id}: not what an undisturbed installation reports"


def _figures(here: Installation, property: int) -> list[Any]:
    view = here.view(property)
    events = view.events(*EVER, FIGURES).cast(TEXT)  # type: ignore[arg-type]
    rejected = view.rejected(*EVER).select("position", "reason")
    return [sorted(events.rows()), sorted(rejected.rows()), view.counts()._replace(dropped=0)]
