"""Folders and files of an installation that other users could read are taken from them, or refused."""

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from analytics_site import env
from analytics_site.databases import database
from collection.log import open_log
from configuration.private_files import NotPrivate, make_private_file, make_private_folder
from processing.store import open_store
from tests.support.servers import ROOT


def open_to_others(folder: Path) -> list[str]:
    """Names of what others may read, the folder itself among them."""
    found = [path for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


@pytest.fixture(autouse=True)
def undeclared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of these tests are none of the product's."""
    monkeypatch.setattr(env, "DECLARED", {})


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A data folder as it was made before anybody thought of modes."""
    folder = tmp_path / "data"
    for name in ("log", "store/segments"):
        (folder / name).mkdir(parents=True)
    for name in ("django.db", "django.db-wal", "log/0.log", "store/store.db", "store/segments/1-a", "secret_key"):
        (folder / name).touch()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def test_it_works(shared: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("DATA", str(shared))
    assert env.folder("DATA", shared) == shared
    assert open_to_others(shared) == []
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line.startswith(f"{shared} could be read by other users of this machine: the modes of 10 folders and files")
    caplog.clear()
    env.folder("DATA", shared)
    assert caplog.records == []


def test_a_file_in_a_private_folder(shared: Path) -> None:
    make_private_folder(shared)
    (shared / "log" / "0.log").chmod(0o644)
    make_private_folder(shared)
    assert open_to_others(shared) == []


def test_files_that_are_made_later(tmp_path: Path) -> None:
    script = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from django.core.management import call_command\n"
        "from collection.log import open_log\n"
        "from processing.store import open_store\n"
        "call_command('migrate', 'contenttypes', verbosity=0)\n"
        "open_log(settings.LOG_URL), open_store(settings.STORE_URL)\n"
        "(settings.DATA / 'anything').touch()\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.endswith("_URL")},
        "HITSTREAM_DATA": str(tmp_path / "data"), "DJANGO_SETTINGS_MODULE": "analytics_site.settings",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, umask=0o022)
    assert (tmp_path / "data" / "django.db").exists()
    assert open_to_others(tmp_path / "data") == []


@pytest.mark.parametrize("name", ["log", "store"])
def test_a_log_and_a_store_elsewhere(shared: Path, name: str) -> None:
    (shared / name).chmod(0o755)
    opened = open_log(f"sqlite://{shared}/log") if name == "log" else open_store(f"sqlite://{shared}/new")
    opened.close()
    folder = shared / ("log" if name == "log" else "new")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_database_elsewhere(shared: Path) -> None:
    database(f"sqlite://{shared}/django.db")
    assert {"django.db", "django.db-wal"}.isdisjoint(open_to_others(shared))
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755  # it may hold other things


def test_links_are_not_followed(shared: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    other.chmod(0o644)
    (shared / "link").symlink_to(other)
    (shared / "folder").symlink_to(tmp_path)
    make_private_folder(shared)
    assert stat.S_IMODE(other.stat().st_mode) == 0o644


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is neither the owner nor root."""
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)


@pytest.mark.usefixtures("somebody")
def test_a_folder_of_another_user_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA", str(shared))
    with pytest.raises(ImproperlyConfigured, match=r"belongs to \w+, and other users can read it") as refused:
        env.folder("DATA", shared)
    assert str(refused.value).startswith(f"DATA is not allowed: {shared} belongs")
    assert f"`chown -R 54321 {shared}` and `chmod -R go= {shared}`, or choose a folder within it." in str(refused.value)
    with pytest.raises(ImproperlyConfigured, match="The database is not allowed"):
        database(f"sqlite://{shared}/django.db")


@pytest.mark.usefixtures("somebody")
def test_in_a_private_folder_others_files_are_left_alone(shared: Path) -> None:
    """Such as `lost+found`, which belongs to root: nobody gets to them."""
    shared.chmod(0o700)
    make_private_folder(shared)
    assert "django.db" in open_to_others(shared)


def test_a_file_system_without_modes(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", lambda self, mode: None)
    with pytest.raises(NotPrivate, match="keeps no modes: choose another one"):
        make_private_file(shared / "django.db")
