"""From draft to version: numbers, slots, refusals, the audit log, and what processing gets to know."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from configuration.checks.check import Finding
from configuration.drafts import publishing, snapshot
from configuration.drafts.draft import DraftChanged, Unacceptable, draft, draft_etag, replace_draft
from configuration.drafts.publishing import NoSuchVersion, NothingChanged, publish, publish_again, published
from configuration.models import Property
from configuration.rule_models import AuditEntry, RulesVersion, Unchangeable
from configuration.ruleset.context import decode_context
from configuration.ruleset.ruleset import (
    BotRule,
    FilterRule,
    InNetwork,
    KeyEventRule,
    PropertySettings,
    Rule,
    Ruleset,
    Text,
    decode_ruleset,
    ruleset_name,
)
from tests.support.installation import Installation, ga4

pytestmark = pytest.mark.django_db

OFFICE = FilterRule(name="Office", action="exclude", when=InNetwork(("192.0.2.0/24",)))
ADMIN_PAGES = FilterRule(name="Admin pages", action="exclude", when=Text("path", "begins", "/admin"))
BOT = BotRule(name="Checker", action="block", user_agent="checker")


@pytest.fixture
def shop() -> Property:
    return Property.objects.create(name="Shop", zone="Europe/Berlin", domains="shop.example")


def write(property: Property, *rules: Rule, user: str = "ann") -> None:
    replace_draft(property, Ruleset(property.pk, 0, property.draft_settings(), rules), user)


def once(name: str) -> KeyEventRule:
    return KeyEventRule(name=name, event=name, once="session")


def slots(property: Property) -> dict[str, Any]:
    rules = published(property.pk)
    assert rules is not None
    return {rule.name: rule.slot for rule in rules.of_kind(KeyEventRule)}


def test_it_works(shop: Property) -> None:
    write(shop, OFFICE, ADMIN_PAGES)
    version = publish(shop, "ann", "no office")
    assert (version.number, version.author, version.note) == (2, "ann", "no office")
    assert published(shop.pk) == decode_ruleset(version.content.encode())
    assert published(shop.pk) == Ruleset(shop.pk, 2, shop.draft_settings(), (OFFICE, ADMIN_PAGES))
    assert published(shop.pk, 1) == Ruleset(shop.pk, 1, shop.draft_settings())


def test_a_new_property_has_version_1(shop: Property) -> None:
    version = RulesVersion.objects.get()
    assert (version.property_number, version.number, version.note) == (shop.pk, 1, "as created")
    assert shop.receive_settings().rules == 1
    shop.name = "Store"
    shop.save()
    assert RulesVersion.objects.count() == 1


def test_publishing_nothing_new_is_refused(shop: Property) -> None:
    with pytest.raises(NothingChanged, match=r"^Nothing changed since version 1\.$"):
        publish(shop, "ann")
    write(shop, BOT)
    publish(shop, "ann")
    with pytest.raises(NothingChanged, match="version 2"):
        publish(shop, "ann")


def test_versions_and_the_audit_log_never_change(shop: Property) -> None:
    for row in (RulesVersion.objects.get(), AuditEntry.objects.get()):
        for act in (row.save, row.delete, type(row).objects.all().delete):
            with pytest.raises(Unchangeable):
                act()
        with pytest.raises(Unchangeable):
            type(row).objects.update(property_number=1)


def test_a_draft_that_somebody_else_changed(shop: Property) -> None:
    seen = draft_etag(shop)
    write(shop, BOT)
    with pytest.raises(DraftChanged) as raised:
        publish(shop, "ann", expected_etag=seen)
    assert raised.value.etag == draft_etag(shop)
    with pytest.raises(DraftChanged):
        replace_draft(shop, Ruleset(shop.pk), "bob", expected_etag=seen)
    assert draft(shop).rules == (BOT,)
    publish(shop, "ann", expected_etag=draft_etag(shop))


def test_settings_of_processing_are_those_published(shop: Property) -> None:
    shop.zone, shop.currency, shop.session_timeout_s, shop.engaged_s = "Asia/Tokyo", "JPY", 600, 20
    shop.domains = "shop.example\nshop.test"
    shop.save()
    (before,) = snapshot.receive_settings()
    assert before == shop.receive_settings()
    assert (before.zone, before.currency, before.session_timeout_s, before.rules) == ("Europe/Berlin", "USD", 1800, 1)
    publish(shop, "ann")
    (after,) = snapshot.receive_settings()
    assert after == shop.receive_settings()
    assert (after.zone, after.currency, after.session_timeout_s, after.rules) == ("Asia/Tokyo", "JPY", 600, 2)
    assert after.domains == ("shop.example", "shop.test")


def test_many_properties_are_read_in_one_query(django_assert_num_queries: Any) -> None:
    for number in range(5):
        Property.objects.create(name=f"Shop {number}")
    snapshot.receive_settings()
    with django_assert_num_queries(1):
        assert [settings.rules for settings in snapshot.receive_settings()] == [1] * 5


def test_an_earlier_version_again(shop: Property) -> None:
    write(shop, OFFICE)
    publish(shop, "ann")
    write(shop, BOT)
    publish(shop, "ann")
    write(shop)
    version = publish_again(shop, 2, "bob")
    assert (version.number, version.author, version.note) == (4, "bob", "version 2 again")
    assert draft(shop).rules == version.ruleset().rules == (OFFICE,)
    with pytest.raises(NothingChanged, match="version 4"):
        publish_again(shop, 2, "bob")
    with pytest.raises(NoSuchVersion):
        publish_again(shop, 17, "bob")


def test_once_a_session_events_keep_their_slot_for_ever(shop: Property) -> None:
    write(shop, once("a"), once("b"))
    publish(shop, "ann")
    assert slots(shop) == {"a": 0, "b": 1}
    write(shop, once("c"), once("b"), KeyEventRule(name="d", event="d"))
    publish(shop, "ann")
    assert slots(shop) == {"c": 2, "b": 1, "d": None}
    write(shop, once("a"))
    publish(shop, "ann")
    assert slots(shop) == {"a": 0}


def test_there_are_64_slots(shop: Property) -> None:
    write(shop, *(once(f"e{number}") for number in range(64)))
    publish(shop, "ann")
    write(shop, once("one more"))
    with pytest.raises(Unacceptable, match="64 names"):
        publish(shop, "ann")
    assert RulesVersion.objects.count() == 2


@pytest.fixture
def nothing_left() -> Iterator[None]:
    def look(ruleset: Ruleset) -> list[Finding]:
        return [Finding("filter", "Office", "when", "This would exclude every hit of the last 7 days.", "error")]

    publishing.checks_with_data.append(look)
    yield
    publishing.checks_with_data.remove(look)


def test_an_error_stops_publishing(shop: Property, nothing_left: None) -> None:
    write(shop, OFFICE)
    with pytest.raises(Unacceptable, match="every hit of the last 7 days"):
        publish(shop, "ann")
    assert RulesVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (PropertySettings(zone="Mars/Base"), "zone"),
        (PropertySettings(currency="euro"), "currency"),
        (PropertySettings(session_timeout_s=1), "session_timeout_s"),
        (PropertySettings(engaged_s=0), "engaged_s"),
        (PropertySettings(session_timeout_s=2**70), "session_timeout_s"),
        (PropertySettings(domains=("no domain!",)), "domains[0]"),
        (PropertySettings(domains=("a\x00b",)), "domains[0]"),
    ],
)
def test_settings_that_make_no_sense_are_not_kept(shop: Property, settings: PropertySettings, place: str) -> None:
    before = draft(shop)
    with pytest.raises(Unacceptable) as raised:
        replace_draft(shop, Ruleset(shop.pk, 0, settings), "ann")
    assert [(found.kind, found.place) for found in raised.value.findings] == [("settings", f"settings.{place}")]
    shop.refresh_from_db()
    assert draft(shop) == before


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ((OFFICE, OFFICE), "1].name"),
        ((msgspec.structs.replace(OFFICE, name=" "),), "0].name"),
        ((msgspec.structs.replace(OFFICE, name="x" * 101),), "0].name"),
        ((msgspec.structs.replace(OFFICE, note="\x00"),), "0].note"),
        ((msgspec.structs.replace(ADMIN_PAGES, when=Text("path", "equals", "a\u202eb")),), "0].when.value"),
        ((msgspec.structs.replace(OFFICE, when=InNetwork(("10.0.0.0/8",) * 1001)),), "0].when.networks"),
        ((msgspec.structs.replace(OFFICE, note="x" * 2001),), "0].note"),
    ],
)
def test_rules_that_cannot_be_kept(shop: Property, rules: tuple[Rule, ...], place: str) -> None:
    with pytest.raises(Unacceptable) as raised:
        write(shop, *rules)
    assert [found.place for found in raised.value.findings] == [f"rules[{place}"]
    assert draft(shop).rules == ()


def test_the_audit_log_says_who_did_what(shop: Property, administrator: User) -> None:
    replace_draft(shop, Ruleset(shop.pk, 0, shop.draft_settings(), (OFFICE,)), administrator)
    publish(shop, administrator)
    entries = [(entry.user, entry.action, entry.subject) for entry in AuditEntry.objects.all()]
    assert entries == [
        ("admin", "published", "version 2"),
        ("admin", "draft replaced", ""),
        ("Hitstream", "published", "version 1"),
    ]
    assert AuditEntry.objects.all()[0].detail == [
        "Filter “Office” was added: Do not count hits where the address is in 192.0.2.0/24."
    ]


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_the_next_range_is_received_under_it(shop: Property, tmp_path: Path) -> None:
    here = Installation(tmp_path, rules=snapshot.stored_rules)
    for number in (1, 2):
        here.set_properties(snapshot.receive_settings())
        here.send(ga4(number, property=shop.receive_settings()))
        here.receive()
        context = decode_context(here.store.context(here.store.blocks()[-1].context_id))
        assert context.property(shop.pk).rules == number
        stored = here.store.context(ruleset_name(shop.pk, number))
        assert decode_ruleset(stored) == published(shop.pk, number)
        write(shop, BOT)
        if number == 1:
            publish(shop, "ann")


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_properties_from_before_get_version_1() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("configuration", "0001_initial")])
    old = executor.loader.project_state([("configuration", "0001_initial")]).apps.get_model("configuration", "Property")
    item = old.objects.create(name="Old", zone="Europe/Paris", domains="a.example\nb.example", session_timeout_s=900)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    settings = PropertySettings(zone="Europe/Paris", session_timeout_s=900, domains=("a.example", "b.example"))
    assert published(item.pk) == Ruleset(item.pk, 1, settings)
    with pytest.raises(NothingChanged):
        publish(Property.objects.get(pk=item.pk), "ann")
