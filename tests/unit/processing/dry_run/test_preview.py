"""A preview shows what the rules would show: the live numbers, if they change nothing, and those of a rebuild."""

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from processing.dry_run.preview import Preview, counts_anything, preview
from processing.schema import BUILT
from processing.segments.read_view import ReadView
from processing.sessions.local_periods import day_number
from tests.support.installation import NOON, SHOP, Installation, ga4
from tests.support.rebuilding import rebuild
from tests.unit.processing.reprocessing.test_rebuild import history, live_through, rules

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

FIRST = date(2026, 11, 20)
EVER = (date(2015, 1, 1), date(2027, 1, 1))


def events(view: ReadView | Preview, first: date, last: date) -> list[str]:
    rows = view.events(first, last, list(BUILT))
    return sorted(map(str, rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).rows()))


def random_days(rnd: random.Random) -> tuple[date, date]:
    first = FIRST + timedelta(days=rnd.randrange(-1, 6))
    return first, first + timedelta(days=rnd.randrange(4))


def test_it_works(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1), ga4(2, at=NOON + 20 * 60_000))
    here.receive()
    shown = preview(here.store, here.view(), rules(session_timeout_s=300), FIRST, FIRST)
    assert (shown.frame.height, shown.rejected_hits.height) == (2, 0)


@pytest.mark.parametrize("seed", range(2))
def test_rules_that_change_nothing_show_what_is_live(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    here = Installation(tmp_path)
    live_through(here, history(rnd, 60), rnd)
    first, last = random_days(rnd)
    shown = preview(here.store, here.view(), rules(), first, last)
    assert events(shown, first, last) == events(here.view(), first, last)


@pytest.mark.parametrize("seed", range(2))
def test_what_is_shown_is_what_a_rebuild_gives(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    here = Installation(tmp_path)
    live_through(here, history(rnd, 60), rnd)
    here.worker.seal(everything=True)
    draft = rules(session_timeout_s=rnd.choice([300, 28_500]), engaged_s=rnd.choice([1, 3000]))
    view = here.view()
    shown = preview(here.store, view, draft, *EVER)
    rebuild(here, draft)
    assert events(shown, *EVER) == events(here.view(), *EVER)


def test_whether_a_draft_counts_anything(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    assert counts_anything(here.store, here.view(), rules(), *EVER)
    here.send(ga4(1), ga4(2, event=""))
    here.receive()
    assert counts_anything(here.store, here.view(), rules(), *EVER)


def test_it_reports_progress(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1))
    here.receive()
    here.worker.seal(everything=True)
    here.send(ga4(2))
    here.receive()
    progress: list[Any] = []
    preview(here.store, here.view(), rules(), FIRST, FIRST, lambda *step: progress.append(step))
    assert sorted(progress) == [("raw parts", 1, 2), ("raw parts", 2, 2)]
    assert here.view(SHOP.id).sealed.manifest.raw[0].day == day_number(FIRST)
