"""`manage.py setup_store`: makes what the store needs before its first use; it can be run again."""

import os
import socket
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from configuration.clock import now
from processing.store import set_up_store
from processing.store.port import StoreUnavailable


class Command(BaseCommand):
    help = (
        "Make the keyspace and the tables of the store that STORE_URL names, where they are missing. What is there"
        " already stays as it is, so that it may be run again, and by each new version."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--replication",
            default="",
            metavar="NUMBER|DC:NUMBER,…",
            help="replicas of a new keyspace, such as 3 or dc1:3,dc2:3; an existing one is not changed. The default is"
            " that of STORE_URL, or 1",
        )

    def handle(self, *args: Any, replication: str = "", **options: Any) -> None:
        try:
            set_up_store(settings.STORE_URL, replication)
            if "cassandra" in settings.DATABASES:
                self._set_up_small_tables(replication)
        except (StoreUnavailable, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The store is ready.")

    def _set_up_small_tables(self, replication: str) -> None:
        from processing.clusters.models import SetUp

        os.environ.setdefault("CQLENG_ALLOW_SCHEMA_MANAGEMENT", "1")
        call_command("sync_cassandra", database="cassandra", stdout=StringIO())  # it lists each table that it looks at
        SetUp.objects.create(at=now(), machine=socket.gethostname(), replication=replication)
        runs = SetUp.objects.filter(kind="store")
        self.stdout.write(f"Set up {runs.count()} times so far.")
