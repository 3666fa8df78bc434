"""`manage.py copy_database [--to URL]`: copies the database at DATABASE_URL into another one."""

import sys
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connections

from analytics_site.database_copy import Differs, NotEmpty, copy_database
from analytics_site.databases import database
from analytics_site.first_start import is_behind
from collection.progress import ProgressLine
from configuration.numbers import how_many
from processing.workers.wiring import single_worker_lock

TARGET: Final = "target"
SCHEMES: Final = ("sqlite://", "postgres://", "postgresql://")


class Command(BaseCommand):
    help = (
        "Copy the database at DATABASE_URL (properties, users, tokens, rules, ledger) into an empty one: creates its"
        " tables, copies and compares every row. Stop all other processes first. An interrupted copy leaves only"
        " empty tables."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            dest="target",
            metavar="URL",
            default=settings.TARGET_DATABASE_URL,
            help="postgres://host:port/name; set TARGET_DATABASE_URL instead if it has a password",
        )

    def handle(self, *args: Any, target: str, **options: Any) -> None:
        if not target.startswith(SCHEMES):
            raise CommandError(f"--to or TARGET_DATABASE_URL must name a database: {' or '.join(SCHEMES)}…")
        if is_behind():
            raise CommandError("The database is older than this program: run manage.py migrate first.")
        try:
            with single_worker_lock():
                self._copy(target)
        except (NotEmpty, Differs) as error:
            raise CommandError(f"{error}. Nothing was copied.") from error
        except (DatabaseError, ImproperlyConfigured) as error:
            raise CommandError(f"Nothing was copied: {error}") from error

    def _copy(self, target: str) -> None:
        add_database(TARGET, target)
        call_command("migrate", database=TARGET, interactive=False, verbosity=0)
        progress = ProgressLine(sys.stderr, "rows")
        counts = copy_database("default", TARGET, lambda table, rows, _: progress.show(rows, None))
        progress.clear()
        self.stdout.write(
            f"{how_many(counts.rows, 'row')} of {how_many(counts.tables, 'table')} copied and compared;"
            " nothing differs."
        )


def add_database(alias: str, url: str) -> None:
    """Adds a database to those of the settings, for this process."""
    connections.settings = connections.configure_settings({**settings.DATABASES, alias: database(url)})
