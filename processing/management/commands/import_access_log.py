"""`manage.py import_access_log FILE… --property ID` sends the lines of access logs on the way of every other hit."""

import sys
from contextlib import ExitStack, closing
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from collection.access_logs.bookmark import Bookmark
from collection.access_logs.files import STANDARD_INPUT, LineFile, UnreadableFile
from collection.access_logs.importer import FilesChanged, LogImport
from collection.log import Log, LogError, open_log
from collection.progress import ProgressLine, duration
from configuration.clock import now
from configuration.models import Property
from processing.receiving.lag import wait_until_reported
from processing.sessions.local_periods import microseconds

INTERRUPTED: Final = 130  # what a shell calls a program that Ctrl-C ended


class Command(BaseCommand):
    help = (
        "Import access logs of Apache or nginx (combined or common format, plain or gzip) into a property. A line that "
        "was imported before is not counted again; an import that was broken off goes on when it is started again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="a log file, or - for standard input")
        parser.add_argument("--property", required=True, metavar="ID", help="the property's id or measurement id")
        parser.add_argument(
            "--no-wait", action="store_true", help="end when the lines are safe, before reports count them"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = find_property(options["property"])
        try:
            with closing(open_log(settings.LOG_URL)) as log:
                work = self._import(options["files"], target, log)
                if work.sent and not options["no_wait"]:
                    self._wait(log)
        except UnreadableFile as error:
            raise CommandError(f"{error}.") from error
        except LogError as error:
            raise CommandError(f"{error}. Start the same command again: it goes on from there.") from error
        except KeyboardInterrupt:
            self.stderr.write("Stopped. Start the same command again: what is imported is not counted twice.")
            sys.exit(INTERRUPTED)

    def _import(self, names: list[str], target: Property, log: Log) -> LogImport:
        bookmark = None if STANDARD_INPUT in names else Bookmark(settings.DATA / "imports", log.id, target.id, names)
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
            work, meter = (
                LogImport(files, target.id, log, bookmark, lambda: microseconds(now())),
                ProgressLine(sys.stderr, "lines"),
            )
            try:
                for _ in work.run():
                    meter.show(work.sent, work.share())
            finally:
                work.save_position()
                meter.clear()
                self._report(work, target, meter)
        return work

    def _report(self, work: LogImport, target: Property, meter: ProgressLine) -> None:
        if work.skipped:
            self.stdout.write(f"{work.skipped:,} lines were imported before.")
        speed = f"{duration(meter.seconds())}, {meter.rate(work.sent):,.0f} a second"
        self.stdout.write(f"{work.sent:,} lines imported into {target.name} ({target.pk}): {speed}.")
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
            self.stdout.write(f"{left:,} hits wait in the log: reports count them once Hitstream runs (make run).")
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
