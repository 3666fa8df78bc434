"""`manage.py fsck`: checks everything that is stored, and the sums; beside a running worker too."""

import sys
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from collection.log import LogError
from collection.progress import ERASE_LINE
from configuration.numbers import how_many
from processing import installation
from processing.installation import open_installed_log, open_installed_store
from processing.maintenance.fsck import ADVICE, FsckRun, Problem
from processing.store.port import StoreUnavailable


class Command(BaseCommand):
    help = (
        "Check everything that is stored: checksums, the manifests against their rows, and that accepted = counted +"
        " rejected, and every hit of the log is accounted for. It reads only, and may run beside a running worker."
        " Exit status: 0 without problems, 1 with some."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = installation.complaints()
        for sentence in wrong:
            self.stdout.write(f"installation: {sentence}")
        try:
            with (
                closing(open_installed_log()) as log,
                closing(open_installed_store()) as store,
            ):
                check = FsckRun(log, store, self._show)
                found = [self._say(problem) for problem in check.problems()]
        except (LogError, StoreUnavailable, DatabaseError) as error:
            raise CommandError(f"{error}. Nothing was changed; try again when it can be read.") from error
        self._clear()
        if found or wrong:
            advice = "\n".join(ADVICE[kind] for kind in sorted({problem.kind for problem in found}))
            problems = how_many(len(found) + len(wrong), "problem")
            raise CommandError(f"{how_many(check.things, 'thing')} checked, {problems}.\n{advice}".strip())
        self.stdout.write(f"{check.things:,} things checked, no problems")

    def _say(self, problem: Problem) -> Problem:
        self._clear()
        self.stdout.write(f"{problem.kind}: {problem.text}")
        return problem

    def _show(self, subject: str, things: int, _: int | None) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"{ERASE_LINE}{things:,} things checked, now: {subject}", ending="")
            self.stderr.flush()

    def _clear(self) -> None:
        if sys.stderr.isatty():
            self.stderr.write(ERASE_LINE, ending="")
            self.stderr.flush()
