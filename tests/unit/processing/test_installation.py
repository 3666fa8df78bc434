"""A process with another secret, log or store than was recorded is refused, with a sentence that says what to do."""

from contextlib import closing
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from analytics_site.first_start import prepare_installation, record_installation
from collection.log import WrongLog, open_log
from processing import installation
from processing.installation import WrongInstallation
from processing.models import InstallationPart, SecretFingerprint
from processing.store import open_store
from processing.store.port import WrongStore

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Settings:
    """A database on a server, beside a log and a store in folders."""
    settings.IS_CLUSTER, settings.MISSING_SECRETS = True, []
    settings.DATABASE_URL = "postgres://a/b"
    settings.INSTALLATION_SECRET, settings.SECRET_KEY = "the secret", "the key"
    settings.LOG_URL, settings.STORE_URL = f"sqlite://{tmp_path}/log", f"sqlite://{tmp_path}/store"
    return settings


def test_it_works(site: Settings) -> None:
    (said,) = record_installation()
    assert said == ("Recorded: the fingerprint of HITSTREAM_SECRET, the fingerprint of SECRET_KEY, the log, the store.")
    assert record_installation() == []
    installation.check()
    stored = [*SecretFingerprint.objects.values_list("value", flat=True)]
    assert all(len(value) == 64 and value not in ("the secret", "the key") for value in stored)


def test_what_was_never_set_up_is_refused(site: Settings) -> None:
    """As a cluster of an earlier version is: a machine with a wrong secret must not be the one that records it."""
    with pytest.raises(WrongInstallation, match="no record.*Run `manage.py setup_cluster` once"):
        installation.check()


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("INSTALLATION_SECRET", "another", "HITSTREAM_SECRET is not that.*every known visitor would count as new"),
        ("SECRET_KEY", "another", "SECRET_KEY is not that"),
        (
            "LOG_URL",
            "log2",
            "The log is not that of this installation: LOG_URL names one that is not there.*--accept log",
        ),
        (
            "STORE_URL",
            "store2",
            "The store is not that of this installation: STORE_URL names one that is not there.*--accept store",
        ),
    ],
)
def test_what_differs_is_named(site: Settings, tmp_path: Path, setting: str, value: str, sentence: str) -> None:
    record_installation()
    setattr(site, setting, f"sqlite://{tmp_path}/{value}" if setting.endswith("URL") else value)
    with pytest.raises(WrongInstallation, match=sentence):
        installation.check()
    with pytest.raises(WrongInstallation, match="setup_cluster --accept"):
        installation.refuse_changes()


def test_a_change_that_is_meant_is_recorded(site: Settings) -> None:
    record_installation()
    site.INSTALLATION_SECRET = "another"
    installation.refuse_changes(["secret"])
    assert record_installation(["secret"]) == ["Recorded: the fingerprint of HITSTREAM_SECRET."]
    installation.check()


def test_a_log_and_a_store_are_compared_when_they_are_first_used(site: Settings, tmp_path: Path) -> None:
    record_installation()
    with closing(installation.open_installed_log()), closing(installation.open_installed_store()):
        site.LOG_URL, site.STORE_URL = f"sqlite://{tmp_path}/log2", f"sqlite://{tmp_path}/store2"
    with pytest.raises(WrongLog):
        installation.open_installed_log()
    with pytest.raises(WrongStore):
        installation.open_installed_store()


def test_a_store_belongs_to_one_database(site: Settings) -> None:
    record_installation()
    InstallationPart.objects.all().delete()
    SecretFingerprint.objects.all().delete()
    with pytest.raises(WrongInstallation, match="belongs to another database"):
        record_installation()
    assert record_installation(["store"])


def test_a_secret_that_is_not_set_is_not_made(site: Settings) -> None:
    site.MISSING_SECRETS = ["HITSTREAM_SECRET"]
    for start in (installation.check, installation.refuse_changes):
        if start is installation.check:
            SecretFingerprint.objects.create(part="secret", value="0")
        with pytest.raises(ImproperlyConfigured, match="HITSTREAM_SECRET is not set.*same value on all machines"):
            start()


def test_one_machine_keeps_its_secret(settings: Settings, tmp_path: Path) -> None:
    """Its file was lost, and another one was made."""
    settings.IS_CLUSTER = False
    installation.check()
    prepare_installation()
    settings.LOG_URL = f"sqlite://{tmp_path}/another"  # is nobody else's
    installation.check()
    settings.INSTALLATION_SECRET = "another"
    for start in (installation.check, prepare_installation):
        with pytest.raises(WrongInstallation, match="restore the file in the data folder"):
            start()


def test_the_identity_of_a_store_lasts(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/store"
    with closing(open_store(url)) as first, closing(open_store(url)) as second:
        assert first.id == second.id
        assert len(first.id) == 32
        assert first.owner == ""
        first.set_owner("a")
        first.set_owner("b")
        assert second.owner == "b"
    with closing(open_store(f"sqlite://{tmp_path}/other")) as other:
        assert other.id != first.id


def test_the_identity_of_a_log_is_compared(tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/log"
    with closing(open_log(url)) as log:
        known = log.id
    open_log(url, lambda: known).close()
    with pytest.raises(WrongLog, match="not the log that this installation was set up with"):
        open_log(url, lambda: "0" * 32)
