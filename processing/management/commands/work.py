"""`manage.py work`: receives, seals and keeps up until it is stopped."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from configuration.adapters import in_use
from configuration.clock import now
from configuration.numbers import how_many
from processing.sessions.local_periods import milliseconds
from processing.workers.warm_up import warm_up
from processing.workers.wiring import make_worker, single_worker_lock


class Command(BaseCommand):
    help = (
        "Receive hits from the log, seal them into segments, keep what is stored in order. SIGINT or SIGTERM stops it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="receive and seal all there is, tidy up, then stop")

    def handle(self, *args: Any, once: bool = False, **options: Any) -> None:
        with single_worker_lock():
            warm_up()
            worker = make_worker()
            if once:
                received = worker.start() + worker.drain()
                worker.run_maintenance(milliseconds(now()))
                worker.maintenance.history.work(lambda: False)
                self.stdout.write(f"{how_many(received, 'hit')} received")
            else:
                self.stdout.write(in_use())
                self.stdout.flush()
                worker.run(stop_on_signals())


def stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
