"""`manage.py setup_cluster`: prepares store, log and database before the roles of a cluster start."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from analytics_site.first_start import ADMINISTRATOR, create_administrator, migrate, record_installation
from collection.log import LogError, check_log
from configuration.adapters import check_adapters, in_use
from processing import installation
from processing.store import check_store
from processing.store.port import StoreUnavailable


class Command(BaseCommand):
    help = (
        "Create or update the store, the log and the database, and create the first administrator if there are no"
        " users. Run it once, on one machine, before the first start and with each new version."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--partitions", type=int, default=8, help="of the log, see setup_log (%(default)s)")
        parser.add_argument("--copies", type=int, help="of each partition of the log, see setup_log")
        parser.add_argument("--replication", default="", help="replicas of a new keyspace, see setup_store")
        parser.add_argument(
            "--accept",
            action="append",
            default=[],
            choices=installation.PARTS,
            help="a part that is meant to be another one than before: then it is recorded anew, not refused",
        )

    def handle(
        self, *args: Any, partitions: int, copies: int | None, replication: str, accept: list[str], **options: Any
    ) -> None:
        """Checks everything before it makes anything; each step may be done again."""
        self.stdout.write(in_use())
        try:
            self._check(copies, replication, accept)
            call_command("setup_store", replication=replication, stdout=self.stdout)
            call_command("setup_log", partitions=partitions, copies=copies, stdout=self.stdout)
            migrate()
            self.stdout.write("The database is up to date.")
            for sentence in record_installation(accept):
                self.stdout.write(sentence)
            password = create_administrator()
        except (LogError, StoreUnavailable, ValueError) as error:
            raise CommandError(f"{error}.") from error
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        if password:
            self.stdout.write(f"Sign in as {ADMINISTRATOR} with the password {password} (it is not shown again).")

    def _check(self, copies: int | None, replication: str, accept: list[str]) -> None:
        """Raises CommandError, ImproperlyConfigured, and what log, store and database raise."""
        check_adapters()
        installation.check_secrets_are_set()
        has_record = "processing_secretfingerprint" in connection.introspection.table_names()
        check_log(settings.LOG_URL, copies)
        check_store(settings.STORE_URL, replication)
        if has_record:
            installation.refuse_changes(accept)
