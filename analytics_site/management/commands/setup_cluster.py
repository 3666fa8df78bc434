"""`manage.py setup_cluster`: prepares store, log and database before the roles of a cluster start."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from analytics_site.first_start import ADMINISTRATOR, create_administrator, migrate


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

    def handle(self, *args: Any, partitions: int, copies: int | None, replication: str, **options: Any) -> None:
        call_command("setup_store", replication=replication, stdout=self.stdout)
        call_command("setup_log", partitions=partitions, copies=copies, stdout=self.stdout)
        try:
            migrate()
            self.stdout.write("The database is up to date.")
            password = create_administrator()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        if password:
            self.stdout.write(f"Sign in as {ADMINISTRATOR} with the password {password} (it is not shown again).")
