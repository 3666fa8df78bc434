"""`manage.py dispatch`: sends jobs to a cluster's workers until it is stopped."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from configuration.adapters import in_use
from processing.management.commands.work import stop_on_signals
from processing.workers.wiring import make_dispatcher


class Command(BaseCommand):
    help = (
        "Send jobs to the workers: ranges of the log to receive, tails to seal. Any number may run: one of them"
        " dispatches, another takes over when it dies. SIGINT or SIGTERM stops it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError(
                "BROKER_URL is not set, so there are no workers to dispatch to. On one machine, use `manage.py run`."
            )
        from analytics_site.jobs import CeleryJobs  # installed for clusters only

        self.stdout.write(in_use())
        self.stdout.flush()
        stop = stop_on_signals()
        make_dispatcher(CeleryJobs()).run(stop)
