"""`manage.py up --role ROLE`: runs one role of a cluster in the foreground. Ctrl-C stops it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from django.db import connection

from analytics_site.first_start import is_behind
from analytics_site.processes import check_port_is_free, is_ready
from analytics_site.roles import ROLES, Role, RoleOptions
from analytics_site.supervisor import Supervisor
from configuration.adapters import PARTS, check_adapters, in_use
from processing import installation


class Command(BaseCommand):
    help = (
        "Run one role of a cluster in the foreground: collector accepts hits, worker receives and seals them,"
        " reporting serves pages and APIs, beat dispatches work. Any number of each may run; one beat works at a time."
        " A single machine needs none of this: see the command run."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", required=True, choices=list(ROLES))
        parser.add_argument("--host", default=settings.HOST, help="the address to listen on (%(default)s)")
        parser.add_argument("--port", type=int, default=settings.PORT, help="the port to listen on (%(default)s)")
        parser.add_argument("--receivers", type=int, default=1, help="processes of a worker that receive (%(default)s)")
        parser.add_argument("--sealers", type=int, default=1, help="processes of a worker that seal (%(default)s)")

    def handle(self, *args: Any, role: str, host: str, port: int, receivers: int, sealers: int, **options: Any) -> None:
        chosen, role_options = ROLES[role], RoleOptions(host, port, receivers, sealers)
        if min(receivers, sealers) < 1:
            raise CommandError("--receivers and --sealers must be at least 1.")
        self._write_line(in_use(PARTS if chosen.needs_database else ("log",)))
        check_requirements(chosen, role_options)
        supervisor = Supervisor(
            chosen.processes(role_options), settings.BASE_DIR, self._write_line, stop_timeout_s=chosen.stop_timeout_s
        )
        address = f" on {host} port {port}" if chosen.serves else ""
        supervisor.run(
            lambda: not chosen.serves or is_ready(host, port), lambda: self._write_line(f"{role} is ready{address}")
        )
        self._write_line("stopped")

    def _write_line(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def check_requirements(role: Role, options: RoleOptions) -> None:
    """Raises CommandError, ImproperlyConfigured if the role cannot work with these settings."""
    if role.needs_broker and not settings.BROKER_URL:
        raise CommandError(
            "This role needs BROKER_URL, such as redis://10.0.0.5:6379/0. Without a broker, use `manage.py run` or"
            " `manage.py work`: its worker needs no dispatcher."
        )
    if role.needs_database:
        check_adapters()
        installation.check_secrets_are_set()
        check_database()
        installation.check()
        connection.close()
    if role.serves:
        check_port_is_free(options.host, options.port)


def check_database() -> None:
    """Raises CommandError if the database needs migrations. They are run by hand, since roles may start at once."""
    try:
        behind = is_behind()
    except DatabaseError as error:
        raise CommandError(f"The database does not answer: {error}") from error
    finally:
        connection.close()
    if behind:
        raise CommandError(
            "The database is older than this program: run manage.py setup_cluster, once for all machines."
        )
