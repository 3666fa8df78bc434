"""`manage.py setup_log`: makes the log that LOG_URL names, or brings it up to date."""

from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.log import LogError, set_up_log
from processing.positions import MAX_PARTITIONS

PARTITIONS: Final = 8


class Command(BaseCommand):
    help = (
        "Make the log that LOG_URL names and set it up, so that it keeps what it promises. On Kafka: the topic, its"
        " partitions, the copies of each. It may be run again at any time; what it cannot mend it says."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--partitions", type=int, default=PARTITIONS, help="how many workers could share it (%(default)s)"
        )
        parser.add_argument(
            "--copies", type=int, help="of each partition, on as many brokers; as many as there are brokers, 3 at most"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["partitions"] <= MAX_PARTITIONS:
            raise CommandError(f"--partitions is 1 to {MAX_PARTITIONS}.")
        if options["copies"] is not None and options["copies"] < 1:
            raise CommandError("--copies begins at 1.")
        try:
            sentences = set_up_log(settings.LOG_URL, options["partitions"], options["copies"])
        except LogError as error:
            raise CommandError(f"{error}.") from error
        for sentence in sentences:
            self.stdout.write(sentence)
