"""What the commands on visitors and properties share: who is meant, and waiting until the worker is done."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.management.base import CommandError

from configuration.clock import now
from configuration.models import Property
from processing.models import Erasure
from processing.privacy.find_visitors import InvalidVisitorKey, VisitorQuery, find_visitors
from processing.sessions.local_periods import milliseconds
from processing.store.port import Store
from processing.workers.config import GRACE_S
from processing.workers.wiring import make_worker, single_worker_lock
from processing.workers.worker import Worker

LOOK_EVERY_S: Final = 0.5
NAMES: Final = {"client_id": "the client id, or the whole cookie _ga", "user_id": "the user id that the site sends",
                "visitor": "the visitor key, as an export shows it"}  # fmt: skip


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--property", type=int, required=True, help="the property id")
    who = parser.add_mutually_exclusive_group(required=True)
    for name, meaning in NAMES.items():
        who.add_argument(f"--{name.replace('_', '-')}", help=meaning)


def property_of(options: dict[str, Any]) -> Property:
    """Raises CommandError."""
    item = Property.objects.filter(pk=options["property"]).first()
    if item is None:
        raise CommandError(f"There is no property {options['property']}.")
    return item


def visitors_of(store: Store, item: Property, options: dict[str, Any]) -> list[int]:
    """Raises CommandError."""
    sought = next(VisitorQuery(name, options[name]) for name in NAMES if options[name] is not None)  # type: ignore[arg-type]
    try:
        return find_visitors(store, item, sought)
    except InvalidVisitorKey as error:
        raise CommandError(str(error)) from error


def confirm(sentence: str, options: dict[str, Any]) -> None:
    """Raises CommandError where the answer is not yes."""
    if not options["yes"] and input(f"{sentence} Go on? [yes/no] ").strip().lower() != "yes":
        raise CommandError("Nothing was changed.")


def wait_for(request: Erasure) -> None:
    """Until nothing is left on disk; does the worker's part where no worker runs."""
    with _worker() as worker:
        while request.done_at is None:
            if worker:
                worker.drain()
                worker.process_requests(milliseconds(now()))
            request.refresh_from_db()
            if request.done_at is None:
                time.sleep(LOOK_EVERY_S)


@contextmanager
def _worker() -> Iterator[Worker | None]:
    """Returns the worker's place, if it is free."""
    try:
        with single_worker_lock():
            worker = make_worker(grace_s=GRACE_S)
            worker.start()
            yield worker
    except CommandError:
        yield None
