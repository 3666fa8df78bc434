"""Embedded adapters and servers are mixed only where somebody wrote that down."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from configuration.adapters import check_adapters, in_use, kinds_in_use

KAFKA = "kafka://ann:secret@a:9092/hits"


@pytest.fixture
def mixed(settings: Settings) -> Settings:
    settings.LOG_URL, settings.STORE_URL = KAFKA, "sqlite:///srv/store"
    settings.DATABASE_URL, settings.BROKER_URL = "sqlite:///srv/django.db", ""
    settings.ADAPTERS = {"log": KAFKA, "store": "sqlite:///srv/store", "broker": "", "engine": "processes://"}
    settings.GIVEN_ADDRESSES = ["LOG_URL", "STORE_URL", "DATABASE_URL"]
    return settings


def test_it_works(mixed: Settings) -> None:
    """Kafka with what is written out to be on this machine."""
    check_adapters()


@pytest.mark.parametrize("name", ["STORE_URL", "DATABASE_URL"])
def test_an_address_that_is_missing_is_not_replaced_by_a_default(mixed: Settings, name: str) -> None:
    mixed.GIVEN_ADDRESSES.remove(name)
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is not set, but LOG_URL names a server.*sqlite:///srv"):
        check_adapters()


def test_a_broker_is_a_server_as_well(mixed: Settings) -> None:
    mixed.LOG_URL, mixed.BROKER_URL = "sqlite:///srv/log", "redis://a"
    mixed.GIVEN_ADDRESSES.remove("LOG_URL")
    with pytest.raises(ImproperlyConfigured, match="LOG_URL is not set, but BROKER_URL names"):
        check_adapters()


def test_nothing_needs_to_be_written_where_all_is_embedded(mixed: Settings) -> None:
    mixed.LOG_URL = "sqlite:///srv/log"
    mixed.GIVEN_ADDRESSES = []
    check_adapters()


def test_the_adapters_are_named_without_passwords(mixed: Settings) -> None:
    assert in_use() == "Adapters: log kafka://a:9092/hits, store sqlite:///srv/store, engine processes://"
    assert kinds_in_use() == "log kafka, store sqlite, engine processes"
    assert kinds_in_use(("log",)) == "log kafka"
