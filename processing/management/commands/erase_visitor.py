"""`manage.py erase_visitor --property ID (--client-id X | --user-id X | --visitor KEY)` erases all that is known of
somebody.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.clock import now
from configuration.numbers import how_many
from processing.installation import open_installed_store
from processing.management import visitor_arguments as people
from processing.privacy.erasure_requests import ErasureRefused, erase_visitors
from processing.privacy.find_visitors import stored_hits
from processing.segments.view_cache import ViewCache


class Command(BaseCommand):
    help = (
        "Erase everything that a visitor sent to a property so far: reports are without it at once, and what is stored"
        " goes within minutes. It cannot be taken back. What he sends later is a new visitor's. Hits of the last hours"
        " are in the log as well, until HITSTREAM_LOG_HOURS. Without a worker the work is done here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        people.add_arguments(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--no-wait", action="store_true", help="hide it, and leave the rest to the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        store, item = open_installed_store(), people.property_of(options)
        visitors = people.visitors_of(store, item, options)
        hits = stored_hits(ViewCache(store), item.pk, visitors)
        people.confirm(
            f"{how_many(len(visitors), 'visitor')} of “{item}”, with {how_many(hits, 'hit')}: erased for ever.", options
        )
        try:
            request = erase_visitors(store, item, visitors, "manage.py", now(), hits)
        except ErasureRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"hidden: {how_many(len(visitors), 'visitor')}, {how_many(hits, 'hit')}")
        if not options["no_wait"]:
            people.wait_for(request)
            self.stdout.write("erased: nothing of them is stored any more but in the log, until its retention")
