"""`manage.py delete_property ID` deletes a property with everything that is stored of it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from configuration.clock import now
from configuration.numbers import how_many
from processing.installation import open_installed_store
from processing.management import visitor_arguments as people
from processing.privacy.erasure_requests import delete_property
from processing.privacy.find_visitors import all_stored_hits
from processing.segments.view_cache import ViewCache


class Command(BaseCommand):
    help = (
        "Delete a property: it disappears at once, and its hits, reports and settings are removed within minutes. It"
        " cannot be taken back. Trackers that still send are counted under property 0."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("property", type=int, help="the property id")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--no-wait", action="store_true", help="hide it, and leave the rest to the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        item = people.property_of(options)
        hits = all_stored_hits(ViewCache(open_installed_store()), item.pk)
        people.confirm(f"“{item}”, {item.measurement_id}, with {how_many(hits, 'hit')} is deleted for ever.", options)
        request = delete_property(item, "manage.py", now(), hits)
        self.stdout.write(f"deleted: property {request.property}, {how_many(hits, 'hit')}")
        if not options["no_wait"]:
            people.wait_for(request)
            self.stdout.write("nothing of it is stored any more but in the log, until its retention")
