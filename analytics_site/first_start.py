"""Prepares the database before the first start. Every function may be called again."""

import secrets
from collections.abc import Collection
from contextlib import closing

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from collection.log import open_log
from processing import installation
from processing.store import open_store

ADMINISTRATOR = "admin"


def migrate() -> bool:
    """Runs the migrations. Returns False if none were needed."""
    if not is_behind():
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def is_behind() -> bool:
    """Returns whether the database needs migrations of this program."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def prepare_installation() -> None:
    """Compares this process with what was recorded of the installation, and records what is missing.

    Raises WrongInstallation, LogUnavailable, StoreUnavailable.
    """
    if settings.IS_CLUSTER:
        installation.refuse_changes()
        record_installation()
    else:
        installation.record_secret()


def record_installation(accepted: Collection[str] = ()) -> list[str]:
    """Records secrets, log and store, which exist. Returns sentences about what was recorded. Raises the same."""
    with closing(open_log(settings.LOG_URL)) as log, closing(open_store(settings.STORE_URL)) as store:
        return installation.record(log, store, accepted)


def create_administrator() -> str | None:
    """Creates the first user and returns the password, which is stored nowhere. Returns None if there are users."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMINISTRATOR, password=password)
    return password
