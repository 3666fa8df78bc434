"""`manage.py dispatch`: gives a cluster's workers their jobs until it is stopped."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from processing.management.commands.work import stop_on_signals
from processing.workers.wiring import make_dispatcher


class Command(BaseCommand):
    help = (
        "Give out ranges of the log and tails to seal as jobs, and keep the store in order. Any number may run: one of"
        " them dispatches, another takes over when it dies. SIGINT or SIGTERM stops it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError(
                "There is nothing to dispatch to: BROKER_URL is not set. On one machine `manage.py run` does all."
            )
        from analytics_site.jobs import CeleryJobs  # installed for clusters only

        stop = stop_on_signals()
        make_dispatcher(CeleryJobs()).run(stop)
