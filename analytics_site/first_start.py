"""Prepares the database before the first start. Every function may be called again."""

import secrets

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

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


def create_administrator() -> str | None:
    """Creates the first user and returns the password, which is stored nowhere. Returns None if there are users."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMINISTRATOR, password=password)
    return password
