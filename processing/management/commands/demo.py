"""`manage.py demo` fills a property "Demo shop" with traffic, once."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.demo.data import HOST
from collection.demo.fill import FillPlan, fill, read_plan, write_plan
from collection.demo.traffic import HITS_PER_VISIT
from collection.log import LogError, open_log
from configuration.clock import now
from configuration.models import Property
from processing.sessions.local_periods import microseconds, milliseconds

NAME: Final = "Demo shop"
ZONE: Final = "Europe/Berlin"
VISITS_PER_DAY: Final = 700
MOST_DAYS: Final = 3_650


class Command(BaseCommand):
    help = (
        "Fill the property “Demo shop” with the traffic of some days, on the way of every other hit. It is done once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=30, help="how many days, today included (30)")
        parser.add_argument("--hits", type=int, help="about how many hits (those of 700 visits a day)")
        parser.add_argument("--seed", type=int, default=1, help="another number gives other traffic")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.DATA) / "demo.json"
        plan = read_plan(path) or new_plan(path, options["days"], options["hits"], options["seed"])
        if plan.finished:
            self.stdout.write(f"{NAME} ({plan.property}) was filled before; nothing was added.")
            return
        try:
            with closing(open_log(settings.LOG_URL)) as log:
                sent = fill(plan, path, log, microseconds(now()))
        except LogError as error:
            raise CommandError(f"{error}. Start the same command again: it goes on from there.") from error
        self.stdout.write(f"{NAME} ({plan.property}): {sent:,} hits of {plan.days} days.")


def new_plan(path: Path, days: int, hits: int | None, seed: int) -> FillPlan:
    """Makes the property too. Raises CommandError."""
    if not 1 <= days <= MOST_DAYS:
        raise CommandError(f"--days must be 1 to {MOST_DAYS}, not {days}.")
    if hits is not None and hits < 1:
        raise CommandError(f"--hits must be 1 or more, not {hits}.")
    target = Property.objects.filter(name=NAME, domains=HOST).first()
    if target is None:
        target = Property.objects.create(name=NAME, domains=HOST, zone=ZONE, currency="EUR")
    wanted = hits or round(days * VISITS_PER_DAY * HITS_PER_VISIT)
    plan = FillPlan(target.pk, target.measurement_id, target.zone, milliseconds(now()), days, wanted, seed)
    write_plan(path, plan)
    return plan
