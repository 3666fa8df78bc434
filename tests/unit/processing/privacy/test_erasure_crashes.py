"""An erasure that breaks off anywhere goes on where it was, and nothing comes back."""

from pathlib import Path
from typing import Any

import pytest

from configuration.models import Property
from configuration.ruleset.context import Context
from configuration.ruleset.ruleset import Ruleset, plain_ruleset
from processing.models import Erasure
from processing.privacy import erasure_requests as erasures
from processing.privacy import tombstones
from processing.privacy.erasure_requests import delete_property
from processing.reprocessing.run_requests import create_run
from tests.support.erasing import (
    ERASED,
    KEPT,
    SAID,
    Killed,
    add_shop,
    book,
    dies,
    erase_and_finish,
    figures,
    filled,
    finish,
    key_of,
    never,
    problems,
    traces,
    without_them,
)
from tests.support.installation import BLOG, SHOP, Installation
from tests.support.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def shop() -> Property:
    return add_shop()


@pytest.fixture
def here(tmp_path: Path, prepared: Prepared) -> Installation:
    return filled(tmp_path, prepared)


STEPS = [
    (erasures, "erase"), (erasures, "remove_erased"), (tombstones, "remove_generation"), (tombstones, "seal"),
    (tombstones, "remove_rows"), (tombstones, "commit"), (erasures, "_forget_other_generations"),
    (erasures, "clean_blocks"), (erasures, "orphans"), (erasures, "_close"),
]  # fmt: skip


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("module", "step"), STEPS, ids=lambda value: value if isinstance(value, str) else "")
def test_it_works(
    here: Installation, shop: Property, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, step: str,
    after: bool,
) -> None:  # fmt: skip
    create_run(here.store, Ruleset(SHOP.id, 1, plain_ruleset(SHOP).settings), "ada")
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


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.slow)])
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
def test_a_deletion_continues_after_a_crash(
    here: Installation, shop: Property, monkeypatch: pytest.MonkeyPatch, module: Any, step: str, after: bool
) -> None:
    delete_property(shop, "ada", here.wall_clock())
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
