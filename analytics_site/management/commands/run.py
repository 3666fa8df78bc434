"""`manage.py run`: runs the whole installation in the foreground. Ctrl-C stops it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from analytics_site.first_start import ADMINISTRATOR, create_administrator, migrate, prepare_installation
from analytics_site.processes import check_port_is_free, is_ready, manage, server
from analytics_site.supervisor import ProcessSpec, Supervisor
from configuration.adapters import check_adapters, in_use
from processing import installation


class Command(BaseCommand):
    help = "Run the collector, the pages and the worker in the foreground; creates or migrates the database first."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self._write_line(in_use())
        check_adapters()
        installation.check_secrets_are_set()
        with data_folder_lock():
            check_port_is_free(settings.HOST, settings.PORT)
            self._prepare()
            web = server("web", "analytics_site.asgi", settings.HOST, settings.PORT)
            worker = ProcessSpec("worker", manage("work"))
            Supervisor([web, worker], settings.BASE_DIR, self._write_line).run(
                lambda: is_ready(settings.HOST, settings.PORT),
                lambda: self._write_line(f"Hitstream is ready: {settings.PUBLIC_URL}/"),
                demo(),
            )
        self._write_line("stopped")

    def _prepare(self) -> None:
        if migrate():
            self._write_line(f"The database in {settings.DATA} is up to date.")
        prepare_installation()
        password = create_administrator()
        if password:
            self._write_line(
                f"First start: sign in as {ADMINISTRATOR} with the password {password} (it is not shown again)."
            )
        connection.close()

    def _write_line(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def demo() -> list[ProcessSpec]:
    """Returns the process that fills the demo property, unless it has been filled in this data folder."""
    filled = settings.DATA / "demo_filled"
    if not settings.DEMO or filled.exists() or "demo" not in get_commands():
        return []
    return [ProcessSpec("demo", manage("demo"), restart=False, on_success=filled.touch)]


@contextmanager
def data_folder_lock() -> Iterator[None]:
    """Locks the data folder. Raises CommandError if another installation runs in it."""
    with (settings.DATA / "run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(f"Hitstream is already running in {settings.DATA}.") from error
        yield
