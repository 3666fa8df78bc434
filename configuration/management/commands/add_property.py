"""`manage.py add_property NAME --domain D --timezone TZ` prints what the new property needs: its ids, the address of
its dashboard, and the snippet for its pages.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from configuration.models import Property


class Command(BaseCommand):
    help = "Add a property; prints its ids, the address of its dashboard, and the snippet for the head of its pages."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="your name for the site or app")
        parser.add_argument("--domain", action="append", default=[], help="the site's domain; repeat for several")
        parser.add_argument(
            "--timezone", default="Etc/UTC", help="the time zone of days in reports, e.g. Europe/Berlin"
        )
        parser.add_argument("--currency", default="USD", help="three letters, e.g. EUR")
        parser.add_argument("--identity", choices=Property.Identity.values, default=Property.Identity.COOKIE)

    def handle(self, *args: Any, **options: Any) -> None:
        item = Property(
            name=options["name"],
            domains="\n".join(options["domain"]),
            zone=options["timezone"],
            currency=options["currency"],
            identity=options["identity"],
        )
        try:
            item.full_clean()
        except ValidationError as error:
            raise CommandError("\n".join(error.messages)) from error
        item.save(force_insert=True)
        self.stdout.write(
            f"property id:    {item.pk}\nmeasurement id: {item.measurement_id}\n"
            f"dashboard:      {settings.PUBLIC_URL}/{item.pk}/\nsnippet:        {item.snippet(settings.PUBLIC_URL)}"
        )
