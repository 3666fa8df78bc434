"""`manage.py import_access_log FILE… --property ID` sends the lines of access logs on the way of every other hit."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.access_logs.bookmark import Bookmark
from collection.access_logs.files import STANDARD_INPUT, LineFile, UnreadableFile
from collection.access_logs.importer import FilesChanged, LogImport
from collection.access_logs.survey import survey
from collection.log import Log, LogError
from collection.log_lines import UnusableFormat, parse_format
from collection.progress import ProgressLine, duration
from configuration.clock import now
from configuration.models import Property
from configuration.numbers import how_many
from processing.installation import open_installed_log
from processing.receiving.lag import wait_until_reported
from processing.sessions.local_periods import microseconds

INTERRUPTED: Final = 130  # what a shell calls a program that Ctrl-C ended


class Command(BaseCommand):
    help = (
        "Import access logs of Apache, nginx and other servers (plain or gzip) into a property. The usual formats are "
        "recognised, others are named with --format. A line that was imported before is not counted again; an import "
        "that was broken off goes on when it is started again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a log file, or - for standard input")
        parser.add_argument("--property", required=True, metavar="ID", help="the property's id or measurement id")
        parser.add_argument(
            "--format",
            metavar="STRING",
            help="the format of the lines, as in Apache's LogFormat or nginx's log_format; else it is recognised",
        )
        parser.add_argument(
            "--force", action="store_true", help="import a file although more than half of its first lines are broken"
        )
        parser.add_argument(
            "--no-wait", action="store_true", help="end when the lines are safe, before reports count them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = find_property(options["property"])
        self._format, self._force = options["format"], options["force"]
        try:
            if self._format is not None:
                parse_format(self._format)
            with closing(open_installed_log()) as log:
                work = self._import(options["files"], target, log)
                if work.sent and not options["no_wait"]:
                    self._wait(log)
        except (UnreadableFile, UnusableFormat) as error:
            raise CommandError(f"{error}.") from error
        except LogError as error:
            raise CommandError(f"{error}. Start the same command again: it goes on from there.") from error
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Start the same command again: what is imported is not counted twice.")
            sys.exit(INTERRUPTED)

    def _import(self, names: list[str], target: Property, log: Log) -> LogImport:
        bookmark = None
        if STANDARD_INPUT not in names:
            bookmark = Bookmark(settings.DATA / "imports", log.id, target.id, names, self._format)
        try:
            return self._run(names, target, log, bookmark)
        except FilesChanged:
            self.stderr.write(
                "The files have changed since this import was broken off: beginning with their first line."
            )
            return self._run(names, target, log, bookmark)

    def _run(self, names: list[str], target: Property, log: Log, bookmark: Bookmark | None) -> LogImport:
        with ExitStack() as opened:
            files = [opened.enter_context(closing(LineFile(name))) for name in names]
            self._check(files)
            work = LogImport(files, target.id, log, bookmark, lambda: microseconds(now()), self._format)
            meter = ProgressLine(sys.stderr, "lines")
            try:
                for _ in work.run():
                    meter.show(work.sent, work.share())
            finally:
                work.save_position()
                meter.clear()
                self._report(work, target, meter)
        return work

    def _check(self, files: Sequence[LineFile]) -> None:
        """Raises CommandError for a file that is probably no access log, or in a format that is not recognised."""
        surveys = [] if self._force else [survey(file, self._format) for file in files]
        for found in surveys:
            if found.is_foreign:
                raise CommandError(found.explanation())

    def _report(self, work: LogImport, target: Property, meter: ProgressLine) -> None:
        if work.skipped:
            self.stdout.write(f"Imported before: {how_many(work.skipped, 'line')}.")
        speed = f"{duration(meter.seconds())}, {meter.rate(work.sent):,.0f} a second"
        self.stdout.write(f"{how_many(work.sent, 'line')} imported into {target.name} ({target.pk}): {speed}.")
        if work.malformed:
            self.stdout.write(f"{work.malformed:,} of them are broken and are rejected as malformed:")
        for fault in work.faults:
            self.stdout.write(f"  {fault.file}, line {fault.line:,}: {fault.cause}")
        if work.malformed > len(work.faults):
            self.stdout.write(f"  and {work.malformed - len(work.faults):,} more")

    def _wait(self, log: Log) -> None:
        ends = log.ends()
        meter = ProgressLine(sys.stderr, "hits left until reports count them all")
        left = wait_until_reported(log.id, ends, meter.count_down)
        meter.clear()
        if left:
            self.stdout.write(
                f"Waiting in the log: {how_many(left, 'hit')}. Reports count them once Hitstream runs (make run)."
            )
        else:
            self.stdout.write(f"Reports count all of them, {duration(meter.seconds())} later.")


def find_property(text: str) -> Property:
    """Raises CommandError, which names the properties that there are."""
    found = Property.objects.filter(pk=int(text)) if text.isdecimal() else Property.objects.filter(measurement_id=text)
    if (target := found.first()) is not None:
        return target
    known = [f"  {item.pk}  {item.measurement_id}  {item.name}" for item in Property.objects.all()]
    advice = "\n".join(["These are:", *known]) if known else "There is none yet: manage.py add_property NAME"
    raise CommandError(f"There is no property {text!r}. {advice}")
