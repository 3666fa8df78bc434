"""Rules that would leave nothing over are not published."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from configuration.drafts.draft import Unacceptable, draft, replace_draft
from configuration.drafts.publishing import all_findings, publish
from configuration.ruleset.ruleset import FilterRule, KeyEventRule, Rule, Ruleset, Text
from reporting import read_access as source
from reporting.rules import publish_check as rules_check
from tests.support.reporting_site import Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


def exclude(path: str) -> FilterRule:
    return FilterRule(name=path, action="exclude", when=Text("path", "begins", path))


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime(2026, 11, 22, 12, tzinfo=UTC)
    with site(tmp_path, settings) as made:
        yield made


def write(shop: Site, *rules: Rule) -> None:
    replace_draft(shop.property, Ruleset(shop.property.pk, 0, shop.property.draft_settings(), rules), "ann")


def test_it_works(shop: Site) -> None:
    write(shop, exclude("/"))
    with pytest.raises(Unacceptable, match="would count nothing"):
        publish(shop.property, "ann")
    write(shop, exclude("/a"))
    assert publish(shop.property, "ann").number == 2


def test_a_key_event_that_counts_once_a_session_excludes_nothing(shop: Site) -> None:
    """Publishing gives it its slot, and so does whatever tries it before."""
    once = KeyEventRule(name="Buy", event="page_view", once="session")
    write(shop, exclude("/a"), once)
    assert publish(shop.property, "ann").number == 2


def test_days_without_hits_refuse_nothing(shop: Site, settings: Any) -> None:
    settings.CLOCK = lambda: datetime(2026, 12, 24, 12, tzinfo=UTC)
    write(shop, exclude("/"))
    assert publish(shop.property, "ann").number == 2


def test_rules_that_are_wrong_are_not_tried(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rules_check, "view_of")
    broken = FilterRule(name="broken", action="exclude", when=Text("path", "pattern", "("))
    wrong = Ruleset(shop.property.pk, 0, shop.property.draft_settings(), (broken,))
    assert "would count nothing" not in " ".join(found.message for found in all_findings(wrong))


def test_without_rules_that_refuse_nothing_is_read(shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rules_check, "view_of")
    assert all_findings(draft(shop.property)) == []


def test_a_store_that_cannot_be_read_is_a_warning(shop: Site, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.STORE_URL = f"sqlite://{tmp_path}/file/store"
    source.view_cache.cache_clear()
    write(shop, exclude("/"))
    (found,) = all_findings(draft(shop.property))
    assert (found.severity, "could not be checked" in found.message) == ("warning", True)
