"""A property is deleted: gone for everybody at once, from disk soon; its hits stay accounted for."""

from pathlib import Path

import pytest

from configuration.models import Property, PropertySalt
from configuration.ruleset.context import Context
from configuration.ruleset.ruleset import Ruleset, plain_ruleset
from processing.models import Erasure, HistoryRun
from processing.privacy.erasure_requests import delete_property
from processing.reprocessing.run_requests import create_run
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
    problems,
    traces,
)
from tests.support.installation import BLOG, NOON, SHOP, Installation, access_log, ga4
from tests.support.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def shop() -> Property:
    return add_shop()


@pytest.fixture
def here(tmp_path: Path, prepared: Prepared) -> Installation:
    return filled(tmp_path, prepared)


def test_it_works(here: Installation, shop: Property) -> None:
    PropertySalt.objects.create(property_number=SHOP.id, secret=b"salt")
    create_run(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).settings), "ada")
    before = figures(here, BLOG.id)
    delete_property(shop, "ada", here.wall_clock(), hits=20)
    assert not Property.objects.filter(pk=SHOP.id).exists()
    here.context = Context((BLOG,))
    assert HistoryRun.objects.get().state == HistoryRun.State.CANCELLED
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


def test_a_range_that_was_frozen_before_the_deletion(here: Installation, shop: Property) -> None:
    """It is received after it, with rows of the property in its block."""
    delete_property(shop, "ada", here.wall_clock())
    finish(here)
    here.send(ga4(90, client=ERASED, page=SECRET_PAGE), access_log(91, "no line"))
    here.receive()
    assert here.view().counts().accepted == 0
    assert here.worker.seal(everything=True) == [SHOP.id, BLOG.id]
    assert book(here).erased_hits == 22
    assert problems(here) == []
    for _ in range(3):
        here.now += 61.0
        here.worker.run_maintenance(NOON)
    assert here.store.blocks() == []


def test_hits_of_a_deleted_property_are_those_of_an_unknown_one(here: Installation, shop: Property) -> None:
    delete_property(shop, "ada", here.wall_clock())
    here.context = Context((BLOG,))
    finish(here)
    here.send(ga4(90))
    here.receive()
    assert here.view(0).counts().reasons == {"unknown property": 1}
    assert problems(here) == []


def test_rules_are_not_applied_to_a_deleted_property(here: Installation, shop: Property) -> None:
    delete_property(shop, "ada", here.wall_clock())
    with pytest.raises(Exception, match="deleted"):
        create_run(here.store, Ruleset(SHOP.id, 1), "ada")
