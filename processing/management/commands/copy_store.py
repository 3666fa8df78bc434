"""`manage.py copy_store [--from URL] [--to URL]`: copies a store into another one, for instance onto a cluster."""

import sys
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.progress import ProgressLine
from processing.maintenance.store_copy import StoreCopy
from processing.models import Range
from processing.store import open_store, set_up_store
from processing.store.port import Conflict, CorruptBlob, Missing, StoreUnavailable
from processing.workers.wiring import single_worker_lock


class Command(BaseCommand):
    help = (
        "Copy contexts, raw blocks, segments, manifests and live generations into another store, then compare all of"
        " it. Stop the worker first. A copy that was broken off goes on when it is started again."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._meters: dict[str, ProgressLine] = {}

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from",
            dest="source",
            metavar="URL",
            default=settings.STORE_URL,
            help="address of the store to read, STORE_URL",
        )
        parser.add_argument(
            "--to",
            dest="target",
            metavar="URL",
            default=settings.TARGET_STORE_URL,
            help="address of an empty one, set up if needed; one with a password is better given as TARGET_STORE_URL",
        )

    def handle(self, *args: Any, source: str, target: str, **options: Any) -> None:
        if not target:
            raise CommandError("--to or TARGET_STORE_URL must name a store.")
        if source == target:
            raise CommandError("A store cannot be copied into itself.")
        try:
            with single_worker_lock():
                self._check_ledger(source)
                set_up_store(target)
                with closing(open_store(source)) as old, closing(open_store(target)) as new:
                    self._copy(StoreCopy(old, new, _partitions(), self._show))
        except ValueError as error:
            raise CommandError(f"{error}.") from error
        except StoreUnavailable as error:
            raise CommandError(f"{error}. Start the same command again: it goes on from there.") from error
        except (Conflict, CorruptBlob, Missing) as error:
            raise CommandError(f"{error}. The copy is not to be used.") from error

    def _copy(self, copy: StoreCopy) -> None:
        copy.run()
        found = list(copy.problems())
        ProgressLine(sys.stderr, "").clear()
        if found:
            raise CommandError("\n".join(found) + "\nThe copy is not to be used.")
        counts = (f"{number:,} {name}" for name, number in copy.counts()._asdict().items())
        self.stdout.write(f"{', '.join(counts)} copied and compared; nothing differs.")

    def _check_ledger(self, source: str) -> None:
        """The copy does not know which ranges were merged into which block: none of them may be tried again."""
        if source == settings.STORE_URL and Range.objects.filter(done_at=None).exists():
            raise CommandError("Ranges of the log are half received: run `manage.py work --once` first, then copy.")

    def _show(self, subject: str, done: int, total: int | None) -> None:
        self._meters.setdefault(subject, ProgressLine(sys.stderr, subject)).show(done, done / total if total else None)


def _partitions() -> list[tuple[str, int]]:
    """Returns the partitions that the ledger knows: their raw blocks may have been deleted by now."""
    return list(Range.objects.order_by().values_list("log", "partition").distinct())
