"""`manage.py rules ACTION --property ID`: rules as files, and their versions. Configuration as code."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from configuration.checks.check import Finding
from configuration.drafts.audit import COMMAND_LINE
from configuration.drafts.draft import DraftChanged, Unacceptable, draft, replace_draft
from configuration.drafts.publishing import (
    NoSuchVersion,
    NothingChanged,
    all_findings,
    publish,
    publish_again,
    published,
)
from configuration.models import Property
from configuration.moments import moment
from configuration.rule_models import RulesVersion
from configuration.ruleset.diff import differences
from configuration.ruleset.document import decode_document, encode_document
from configuration.ruleset.ruleset import Ruleset, UnreadableRuleset

ACTIONS: Final = {
    "export": "write the draft as JSON; with a number, that version",
    "import": "replace the draft by a file; rules that are not in the file are deleted",
    "check": "list the problems of the draft, or of a file",
    "publish": "make the draft the next version",
    "versions": "list the published versions",
    "diff": "list the differences of two versions, of a version and the draft, or of the newest and the draft",
    "again": "publish an earlier version again",
}


class Command(BaseCommand):
    help = "Rules as files, and their versions. " + "; ".join(f"{name}: {what}" for name, what in ACTIONS.items()) + "."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument(
            "numbers", nargs="*", type=int, help="versions: for export and again one, for diff up to two"
        )
        parser.add_argument("--property", type=int, required=True, help="the numeric property id")
        parser.add_argument("--file", type=Path, help="read or write this file instead of standard input or output")
        parser.add_argument("--note", default="", help="the reason, in a few words; shown in the list of versions")
        parser.add_argument("--author", default=COMMAND_LINE, help="the name of the author, for versions and audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        property = Property.objects.filter(pk=options["property"]).first()
        if property is None:
            raise CommandError(f"There is no property {options['property']}.")
        do: Callable[[Property, dict[str, Any]], None] = getattr(self, f"_{options['action']}")
        try:
            do(property, options)
        except UnreadableRuleset as error:
            raise CommandError(f"{error}.") from error
        except Unacceptable as error:
            raise CommandError("\n".join(as_lines(error.findings))) from error
        except (DraftChanged, NothingChanged, NoSuchVersion, OSError) as error:
            raise CommandError(str(error)) from error

    def _export(self, property: Property, options: dict[str, Any]) -> None:
        ruleset = _ruleset(property, options["numbers"][0]) if options["numbers"] else draft(property)
        text = encode_document(ruleset).decode()
        if options["file"]:
            options["file"].write_text(text, "utf-8")
        else:
            self.stdout.write(text, ending="")

    def _import(self, property: Property, options: dict[str, Any]) -> None:
        before = draft(property)
        replace_draft(property, _read(property, options["file"]), options["author"], action="draft imported")
        self._say(differences(before, draft(property)), "The draft was the same already.")

    def _check(self, property: Property, options: dict[str, Any]) -> None:
        findings = all_findings(_read(property, options["file"]) if options["file"] else draft(property))
        errors = [finding for finding in findings if finding.severity == "error"]
        self._say(as_lines(findings), "Nothing is wrong.")
        if errors:
            raise CommandError(f"{len(errors)} errors: this cannot be published.")

    def _publish(self, property: Property, options: dict[str, Any]) -> None:
        self._published(publish(property, options["author"], options["note"]))

    def _again(self, property: Property, options: dict[str, Any]) -> None:
        if len(options["numbers"]) != 1:
            raise CommandError("Name one version: manage.py rules again 3 --property ID")
        self._published(publish_again(property, options["numbers"][0], options["author"], options["note"]))

    def _versions(self, property: Property, options: dict[str, Any]) -> None:
        for version in RulesVersion.objects.filter(property_number=property.pk).order_by("number"):
            time = moment(version.published_at, property.zone)
            self.stdout.write(f"{version.number:4}  {time}  {version.author}  {' '.join(version.note.split())}")

    def _diff(self, property: Property, options: dict[str, Any]) -> None:
        numbers = options["numbers"]
        if len(numbers) > 2:
            raise CommandError("At most two versions can be compared.")
        old = _ruleset(property, numbers[0] if numbers else None)
        new = _ruleset(property, numbers[1]) if len(numbers) == 2 else draft(property)
        self._say(differences(old, new), "They are the same.")

    def _published(self, version: RulesVersion) -> None:
        self.stdout.write(f"Version {version.number} is published; new hits are counted by it.")

    def _say(self, lines: Iterable[str], otherwise: str) -> None:
        for line in list(lines) or [otherwise]:
            self.stdout.write(line)


def as_lines(found: Iterable[Finding]) -> list[str]:
    return [f"{each.severity}: {_where(each)}: {each.message}" for each in found]


def _where(found: Finding) -> str:
    return f"{found.kind} “{found.rule}”, {found.place}" if found.rule else found.place


def _ruleset(property: Property, number: int | None) -> Ruleset:
    found = published(property.pk, number)
    if found is None:
        raise NoSuchVersion(number or 1)
    return found


def _read(property: Property, file: Path | None) -> Ruleset:
    return decode_document(file.read_bytes() if file else sys.stdin.buffer.read(), property.pk)
