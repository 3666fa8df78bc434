"""The real access log, imported, received, sealed, folded and imported again: the oracle's figures throughout."""

import io
import random
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from collection.access_logs.files import LineFile
from collection.access_logs.importer import LogImport
from configuration.models import Property
from tests.agreement.test_access_logs import REAL_LOG, check, is_bot
from tests.support import oracle_access
from tests.support.installation import NOON, Installation

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

PIECES = 9
DAY_MS = 86_400_000


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Property:
    settings.DATA, settings.LOG_URL = tmp_path, f"sqlite://{tmp_path}/log"
    return Property.objects.create(name="Shop", domains="shop.example")


def test_it_works(shop: Property, tmp_path: Path) -> None:
    lines, rnd = REAL_LOG.read_bytes().splitlines(keepends=True), random.Random(2015)
    here = Installation(tmp_path, [shop.receive_settings()])
    import_in_pieces(here, shop.pk, lines, rnd, tmp_path)
    once = oracle_access.account([lines], is_bot, host="shop.example")
    check(here, once, shop.pk)
    work_until_quiet(here)
    check(here, once, shop.pk)
    call_command("import_access_log", str(REAL_LOG), "--property", str(shop.pk), "--no-wait", stdout=io.StringIO())
    twice = oracle_access.account([lines, lines], is_bot, host="shop.example")
    assert twice.reasons - once.reasons == {"duplicate": len(lines)}
    here.receive()
    check(here, twice, shop.pk)
    work_until_quiet(here)
    check(here, twice, shop.pk)


def import_in_pieces(here: Installation, property: int, lines: list[bytes], rnd: random.Random, folder: Path) -> None:
    """One import of several files, while the worker works, and begins anew, at random moments."""
    cuts = [0, *sorted(rnd.sample(range(1, len(lines)), PIECES - 1)), len(lines)]
    paths = [folder / f"access.{number}.log" for number in range(PIECES)]
    for path, first, end in zip(paths, cuts, cuts[1:], strict=False):
        path.write_bytes(b"".join(lines[first:end]))
    with ExitStack() as opened:
        files = [opened.enter_context(closing(LineFile(str(path)))) for path in paths]
        for _ in LogImport(files, property, here.log, None, lambda: NOON * 1000).run():
            disturb(here, rnd)
    here.receive()


def disturb(here: Installation, rnd: random.Random) -> None:
    if rnd.random() < 0.6:
        here.receive()
    if rnd.random() < 0.4:
        here.worker.seal(everything=True)
    if rnd.random() < 0.4:
        here.now += 100
        here.worker.run_maintenance(NOON)
    if rnd.random() < 0.3:
        here.restart()


def work_until_quiet(here: Installation) -> None:
    """All is sealed, months are folded, blocks are deleted, orphans are swept."""
    here.worker.seal(everything=True)
    for day in range(3):
        here.now += 100
        here.worker.run_maintenance(NOON + (40 + day) * DAY_MS)
    assert here.store.blocks() == []
