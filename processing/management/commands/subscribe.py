"""`manage.py subscribe NAME`: prints hits as lines of JSON, and goes on next time where it stopped."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.log import Log, LogError
from configuration.clock import now
from processing.installation import open_installed_log
from processing.sessions.local_periods import microseconds
from processing.workers.subscriber import LONGEST_NAME, Subscriber
from processing.workers.wiring import current_context

LOOK_EVERY_S: Final = 0.2


class Command(BaseCommand):
    help = (
        "Print the hits of the log as lines of JSON, and remember under NAME how far it came: started again, it goes on"
        " there. Every hit is printed at least once; after a crash the last ones may come again. Ctrl-C stops it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="of the subscription; a new one begins with the oldest hit")
        parser.add_argument(
            "--from",
            dest="begin",
            metavar="start|end|TIME",
            help="begin there, whatever is remembered: with the oldest hit, with the next one, or with the first one of"
            " a time such as 2026-11-24T10:00Z",
        )
        until = parser.add_mutually_exclusive_group()
        until.add_argument("--once", action="store_true", help="end when all hits of now are printed")
        until.add_argument("--follow", action="store_true", help="wait for new hits (the default)")
        parser.add_argument(
            "--with-address", action="store_true", help="print full addresses: see to it that they are not kept"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if not 0 < len(name) <= LONGEST_NAME:
            raise CommandError(f"A subscription's name has 1 to {LONGEST_NAME} characters.")
        try:
            with closing(open_installed_log()) as log:
                subscriber = Subscriber(
                    log, name, current_context, self.stderr.write, now, full=options["with_address"]
                )
                if options["begin"]:
                    subscriber.move(_beginning(log, options["begin"]))
                self._print(subscriber, once=options["once"])
        except LogError as error:
            raise CommandError(f"{error}. Start the same command again: it goes on from there.") from error
        except BrokenPipeError:
            _leave_quietly()
        except KeyboardInterrupt:
            return

    def _print(self, subscriber: Subscriber, *, once: bool) -> None:
        while True:
            for lines in subscriber.batches():
                self.stdout.write("\n".join(lines))
                self.stdout.flush()
                subscriber.commit()
            subscriber.commit()
            if once:
                return
            time.sleep(LOOK_EVERY_S)


def _beginning(log: Log, text: str) -> Callable[[int], int]:
    if text in ("start", "end"):
        offsets = log.starts() if text == "start" else log.ends()
        return lambda partition: offsets[partition]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not start, end or a time such as 2026-11-24T10:00Z.") from error
    at_us = max(0, microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC)))
    return lambda partition: log.seek(partition, at_us)


def _leave_quietly() -> None:
    """Nobody reads any more, and nobody shall hear of what Python still wants to flush at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
