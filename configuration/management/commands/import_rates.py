"""`manage.py import_rates FILE` stores daily rates of currencies from a CSV file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from configuration.currencies import WrongRates, import_rates
from configuration.numbers import how_many


class Command(BaseCommand):
    help = "Store daily rates of currencies from a CSV file with the columns date, currency, target, rate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="such as rates.csv, with lines such as 2026-11-27,USD,EUR,0.9234")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stored = import_rates(options["file"].read_text(encoding="utf-8"))
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            raise CommandError("The file is not text in UTF-8; save it as CSV with this encoding.") from error
        except WrongRates as error:
            raise CommandError("\n".join(error.errors)) from error
        self.stdout.write(f"{how_many(stored, 'rate')} stored. Reports use them at once.")
