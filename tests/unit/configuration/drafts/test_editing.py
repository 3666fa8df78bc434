"""Single changes of a draft: what they keep, and what they refuse."""

import msgspec
import pytest

from configuration.drafts import editing
from configuration.drafts.draft import Unacceptable, draft
from configuration.models import DraftRule, Property
from configuration.rule_models import AuditEntry
from configuration.ruleset.ruleset import BotRule

pytestmark = pytest.mark.django_db

FIRST, SECOND = (BotRule(name=name, action="block", user_agent=name) for name in ("first", "second"))


@pytest.fixture
def shop() -> Property:
    shop = Property.objects.create(name="Shop")
    editing.add(shop, FIRST, "ann")
    editing.add(shop, SECOND, "ann")
    return shop


def row(name: str) -> DraftRule:
    return DraftRule.objects.get(name=name)


def test_it_works(shop: Property) -> None:
    editing.move(shop, row("second"), 1, "ann")
    assert draft(shop).rules == (SECOND, FIRST)
    editing.delete(shop, row("first"), "bob")
    assert draft(shop).rules == (SECOND,)
    last = AuditEntry.objects.all()[0]
    assert (last.user, last.action, last.subject) == ("bob", "rule deleted", "Bot rule “first”")


def test_a_rule_keeps_its_row_under_another_name(shop: Property) -> None:
    number = row("first").pk
    third = msgspec.structs.replace(FIRST, name="third")
    editing.change(shop, row("first"), third, "ann")
    assert draft(shop).rules == (third, SECOND)
    assert row("third").pk == number


def test_a_name_that_is_taken(shop: Property) -> None:
    with pytest.raises(Unacceptable, match="second"):
        editing.change(shop, row("first"), msgspec.structs.replace(FIRST, name="second"), "ann")
    with pytest.raises(Unacceptable, match="first"):
        editing.add(shop, FIRST, "ann")
    assert draft(shop).rules == (FIRST, SECOND)
    assert AuditEntry.objects.count() == 3


def test_what_was_wrong_before_does_not_stand_in_the_way(shop: Property) -> None:
    DraftRule.objects.filter(name="first").update(body={"action": "block", "user_agent": "(", "test": "pattern"})
    editing.move(shop, row("second"), 1, "ann")
    assert [rule.name for rule in draft(shop).rules] == ["second", "first"]


def test_no_change_leaves_no_trace(shop: Property) -> None:
    editing.change(shop, row("first"), FIRST, "ann")
    editing.move(shop, row("first"), 1, "ann")
    assert AuditEntry.objects.count() == 3
