"""The numbers of properties on the home page: computed once for what a view shows, without keeping the view."""

import gc
import weakref
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from processing.segments.read_view import ReadView
from reporting.dashboard import summaries
from reporting.read_access import view_of
from tests.support.installation import NOON, ga4
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        yield made


def receive_one_more(shop: Site) -> None:
    page = "https://shop.example/c"
    shop.installation.send(ga4(9, client="9.9", page=page, at=NOON, property=shop.property.receive_settings()))
    shop.installation.receive()


def test_it_works(shop: Site) -> None:
    number = shop.property.pk
    assert summaries.summary_of(number).visitors == 2
    receive_one_more(shop)
    assert summaries.summary_of(number).visitors == 3


def test_the_same_hits_are_counted_once(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = summaries.summary_of(shop.property.pk)
    monkeypatch.setattr(summaries, "run_many", None)
    assert summaries.summary_of(shop.property.pk) == first


def test_no_view_is_kept(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view keeps its rows in memory, and each hit makes a new one."""
    views = list[weakref.ref[ReadView]]()

    def watched(number: int) -> ReadView:
        view = view_of(number)
        views.append(weakref.ref(view))
        return view

    monkeypatch.setattr(summaries, "view_of", watched)
    summaries.summary_of(shop.property.pk)
    gc.collect()
    assert [view() for view in views] == [None]
