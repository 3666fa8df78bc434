"""`manage.py run`: the whole installation in the foreground. Ctrl-C stops it."""

import fcntl
import http.client
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from analytics_site.first_start import ADMINISTRATOR, create_administrator, migrate
from analytics_site.supervisor import Part, Supervisor

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- looked up, not bound to
READINESS_TIMEOUT_S: Final = 1.0


class Command(BaseCommand):
    help = "Run the collector, the pages and the worker in the foreground; make what is missing first."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with alone():
            refuse_taken_port(settings.HOST, settings.PORT)
            self._prepare()
            supervisor = Supervisor([web(), worker()], settings.BASE_DIR, self._say)
            supervisor.run(ready, lambda: self._say(f"Hitstream is ready: {settings.PUBLIC_URL}/"), demo())
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


def web() -> Part:
    address = ("--host", settings.HOST, "--port", str(settings.PORT))
    return Part("web", (sys.executable, "-m", "collection.server", *address))


def worker() -> Part:
    return Part("worker", manage("work"))


def demo() -> list[Part]:
    """Fills the demo property, once for a data folder."""
    filled = settings.DATA / "demo_filled"
    if not settings.DEMO or filled.exists() or "demo" not in get_commands():
        return []
    return [Part("demo", manage("demo"), lasting=False, done=filled.touch)]


def manage(*words: str) -> tuple[str, ...]:
    return (sys.executable, str(settings.BASE_DIR / "manage.py"), *words)


def ready() -> bool:
    """Whether the collector can take hits."""
    host = EVERYWHERE.get(settings.HOST, settings.HOST)
    client = http.client.HTTPConnection(host, settings.PORT, timeout=READINESS_TIMEOUT_S)
    with suppress(OSError, http.client.HTTPException):
        client.request("GET", "/readyz")
        return client.getresponse().status == http.HTTPStatus.OK
    client.close()
    return False


def refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"Cannot answer on {host} port {port}: {error.strerror}. Choose another: HITSTREAM_PORT=8001"
            raise CommandError(message) from error


@contextmanager
def alone() -> Iterator[None]:
    """Holds the data folder. Raises CommandError where another installation runs in it."""
    with (settings.DATA / "run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise CommandError(f"Hitstream is running in {settings.DATA} already.") from taken
        yield
