"""`manage.py up --role ROLE`: one role of a cluster in the foreground. Ctrl-C stops it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from analytics_site.first_start import is_behind
from analytics_site.parts import ready, refuse_taken_port
from analytics_site.roles import ROLES, Role, Wanted
from analytics_site.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Run one role of a cluster in the foreground: collector takes hits, worker receives and seals them, reporting"
        " answers pages and programs, beat hands out work. Any number of each may run; one beat works at a time."
        " One machine alone needs none of this: see the command run."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", required=True, choices=list(ROLES))
        parser.add_argument("--host", default=settings.HOST, help="what to listen on, %(default)s")
        parser.add_argument("--port", type=int, default=settings.PORT, help="%(default)s")
        parser.add_argument("--receivers", type=int, default=1, help="processes of a worker that receive (%(default)s)")
        parser.add_argument("--sealers", type=int, default=1, help="processes of a worker that seal (%(default)s)")

    def handle(self, *args: Any, role: str, host: str, port: int, receivers: int, sealers: int, **options: Any) -> None:
        wanted = Wanted(host, port, receivers, sealers)
        if min(receivers, sealers) < 1:
            raise CommandError("--receivers and --sealers begin at 1.")
        refuse(ROLES[role], wanted)
        parts = ROLES[role].parts(wanted)
        supervisor = Supervisor(parts, settings.BASE_DIR, self._say, patience_s=ROLES[role].patience_s)
        where = f" on {host} port {port}" if ROLES[role].serves else ""
        supervisor.run(
            lambda: not ROLES[role].serves or ready(host, port), lambda: self._say(f"{role} is ready{where}")
        )
        self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def refuse(role: Role, wanted: Wanted) -> None:
    """Raises CommandError where the role could not work."""
    if role.needs_broker and not settings.BROKER_URL:
        raise CommandError(
            "This role needs BROKER_URL, such as redis://10.0.0.5:6379/0. Without a broker `manage.py run` or"
            " `manage.py work` is the worker, and nothing has to be handed out."
        )
    if role.needs_database:
        refuse_old_database()
    if role.serves:
        refuse_taken_port(wanted.host, wanted.port)


def refuse_old_database() -> None:
    """It is brought up to date once for all machines, by hand: several at once would get into each other's way."""
    try:
        behind = is_behind()
    except DatabaseError as error:
        raise CommandError(f"The database does not answer: {error}") from error
    finally:
        connection.close()
    if behind:
        raise CommandError("The database is older than this program: run manage.py migrate, once for all machines.")
