"""`manage.py run`: the whole installation in the foreground. Ctrl-C stops it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from analytics_site.first_start import ADMINISTRATOR, create_administrator, migrate
from analytics_site.parts import manage, ready, refuse_taken_port, server
from analytics_site.supervisor import ProcessSpec, Supervisor


class Command(BaseCommand):
    help = "Run the collector, the pages and the worker in the foreground; make what is missing first."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with alone():
            refuse_taken_port(settings.HOST, settings.PORT)
            self._prepare()
            supervisor = Supervisor([web(), worker()], settings.BASE_DIR, self._say)
            supervisor.run(answers, lambda: self._say(f"Hitstream is ready: {settings.PUBLIC_URL}/"), demo())
        self._say("stopped")

    def _prepare(self) -> None:
        if migrate():
            self._say(f"The database in {settings.DATA} is up to date.")
        password = create_administrator()
        if password:
            self._say(f"First start: sign in as {ADMINISTRATOR} with the password {password} (it is not shown again).")
        connection.close()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def web() -> ProcessSpec:
    return server("web", "analytics_site.asgi", settings.HOST, settings.PORT)


def worker() -> ProcessSpec:
    return ProcessSpec("worker", manage("work"))


def answers() -> bool:
    return ready(settings.HOST, settings.PORT)


def demo() -> list[ProcessSpec]:
    """Fills the demo property, once for a data folder."""
    filled = settings.DATA / "demo_filled"
    if not settings.DEMO or filled.exists() or "demo" not in get_commands():
        return []
    return [ProcessSpec("demo", manage("demo"), lasting=False, done=filled.touch)]


@contextmanager
def alone() -> Iterator[None]:
    """Holds the data folder. Raises CommandError where another installation runs in it."""
    with (settings.DATA / "run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise CommandError(f"Hitstream is running in {settings.DATA} already.") from taken
        yield
