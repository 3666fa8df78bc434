"""`manage.py export_visitor --property ID (--client-id X | --user-id X | --visitor KEY) [--file F]` writes down all
that is known of somebody.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.clock import now
from processing.installation import open_installed_store
from processing.management import visitor_arguments as people
from processing.privacy.export import export


class Command(BaseCommand):
    help = (
        "Write everything that is known of a visitor as one JSON document: hits as they were sent, events and sessions,"
        " rejected hits. Hits of the last seconds, which are in the log only, are not in it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        people.add_arguments(parser)
        parser.add_argument("--file", type=Path, help="where to write; a file that is there is not overwritten")

    def handle(self, *args: Any, **options: Any) -> None:
        store, item = open_installed_store(), people.property_of(options)
        pieces = export(store, item, people.visitors_of(store, item, options), now())
        if options["file"] is None:
            self.stdout.writelines(piece.decode() for piece in pieces)
            return
        try:
            with options["file"].open("xb") as file:
                file.writelines(pieces)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        self.stdout.write(f"written: {options['file']}")
