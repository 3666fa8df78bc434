"""What has to be there before the parts start; each does nothing where it was done before."""

import secrets

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

ADMINISTRATOR = "admin"


def migrate() -> bool:
    """True where there was something to do."""
    if not is_behind():
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True


def is_behind() -> bool:
    """Whether the database is older than the program."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def create_administrator() -> str | None:
    """Makes the first user and returns the password, which cannot be had again; None where there are users already."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMINISTRATOR, password=password)
    return password
