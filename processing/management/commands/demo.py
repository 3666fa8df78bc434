"""`manage.py demo` fills a property "Demo shop" with traffic, once."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.demo.data import CART, CHECKOUT, HOST, THANKS
from collection.demo.fill import FillPlan, fill, read_plan, write_plan
from collection.demo.traffic import HITS_PER_VISIT
from collection.log import LogError
from configuration.clock import now
from configuration.drafts.audit import SYSTEM
from configuration.drafts.draft import draft, replace_draft
from configuration.drafts.publishing import publish
from configuration.models import Property
from configuration.numbers import how_many
from configuration.ruleset.ruleset import (
    ContentGroupRule,
    CustomDimensionRule,
    KeyEventRule,
    NamedGroup,
    OneOf,
    Rule,
    Text,
)
from processing.installation import open_installed_log
from processing.sessions.local_periods import milliseconds

NAME: Final = "Demo shop"
ZONE: Final = "Europe/Berlin"
DAYS: Final = 60  # so that the last 28 days have a period before them
VISITS_PER_DAY: Final = 300
MOST_DAYS: Final = 3_650
RULES: Final[tuple[Rule, ...]] = (
    KeyEventRule(name="Order", event="purchase", value_parameter="value", note="Worth what the customer pays."),
    KeyEventRule(
        name="New account", event="sign_up", once="session", value="2.50", note="What one has been worth to us."
    ),
    ContentGroupRule(
        name="Section",
        groups=(
            NamedGroup("Shop", Text("path", "begins", "/shop/")),
            NamedGroup("Products", Text("path", "begins", "/product/")),
            NamedGroup("Guides", Text("path", "begins", "/guide/")),
            NamedGroup("Checkout", OneOf("path", (CART.path, CHECKOUT.path, THANKS.path))),
        ),
        otherwise="Other pages",
    ),
    CustomDimensionRule(name="Sign-up method", parameter="method"),
)
NOTE: Final = "Orders and new accounts are goals; pages by section"


class Command(BaseCommand):
    help = "Fill the property “Demo shop” with the traffic of some days, through the collector. It is done once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=DAYS, help=f"how many days, today included ({DAYS})")
        parser.add_argument("--hits", type=int, help=f"about how many hits (those of {VISITS_PER_DAY} visits a day)")
        parser.add_argument("--seed", type=int, default=1, help="another number gives other traffic")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.DATA) / "demo.json"
        plan = read_plan(path) or new_plan(path, options["days"], options["hits"], options["seed"])
        if plan.finished:
            self.stdout.write(f"{NAME} ({plan.property}) was filled before; nothing was added.")
            return
        try:
            with closing(open_installed_log()) as log:
                sent = fill(plan, path, log)
        except LogError as error:
            raise CommandError(f"{error}. Start the same command again: it goes on from there.") from error
        self.stdout.write(f"{NAME} ({plan.property}): {how_many(sent, 'hit')} of {how_many(plan.days, 'day')}.")
        self.stdout.write(f"Look at it: {settings.PUBLIC_URL}/{plan.property}/")


def new_plan(path: Path, days: int, hits: int | None, seed: int) -> FillPlan:
    """Makes the property too. Raises CommandError."""
    if not 1 <= days <= MOST_DAYS:
        raise CommandError(f"--days must be 1 to {MOST_DAYS}, not {days}.")
    if hits is not None and hits < 1:
        raise CommandError(f"--hits must be 1 or more, not {hits}.")
    target = Property.objects.filter(name=NAME, domains=HOST).first()
    if target is None:
        target = Property.objects.create(name=NAME, domains=HOST, zone=ZONE, currency="EUR")
        replace_draft(target, msgspec.structs.replace(draft(target), rules=RULES), SYSTEM)
        publish(target, SYSTEM, NOTE)
    wanted = hits or round(days * VISITS_PER_DAY * HITS_PER_VISIT)
    plan = FillPlan(target.pk, target.measurement_id, target.zone, milliseconds(now()), days, wanted, seed)
    write_plan(path, plan)
    return plan
