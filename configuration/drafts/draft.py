"""The draft: the rules and settings of a property as they would be published, stored as rows that people edit."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from django.db import transaction

from configuration.checks.check import Finding, check
from configuration.drafts.audit import Author, record
from configuration.models import DraftRule, Property
from configuration.ruleset.diff import differences
from configuration.ruleset.document import in_order, without_slots
from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import PropertySettings, Rule, Ruleset, encode_ruleset
from configuration.ruleset.text_limits import find_bad_text

COLUMNS: Final = ("kind", "name", "note", "state", "slot")
CHANGEABLE: Final = ("note", "state", "position", "body")


class Unacceptable(ValueError):
    """Rules that cannot be saved as a draft; `findings` say where and why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = list(findings)


class DraftChanged(Exception):
    """The draft was changed by somebody else meanwhile; `etag` is its current one."""

    def __init__(self, etag: str) -> None:
        super().__init__("The draft was changed meanwhile. Open it again.")
        self.etag = etag


def draft(property: Property) -> Ruleset:
    """Returns the rules by kind, in their order; the ruleset has number 0."""
    rules = tuple(rule_of(row) for row in property.draft_rules.order_by("position", "pk"))
    return Ruleset(property.pk, 0, property.draft_settings(), in_order(rules))


def draft_etag(property: Property) -> str:
    return etag_of(draft(property))


def etag_of(ruleset: Ruleset) -> str:
    """Returns a hash of the content: drafts with the same rules and settings have the same etag."""
    return hashlib.blake2b(encode_ruleset(ruleset), digest_size=16).hexdigest()


def replace_draft(
    property: Property, ruleset: Ruleset, user: Author, *, action: str = "draft replaced", expected_etag: str = ""
) -> str:
    """Replaces all rules and settings in one transaction; returns the new etag. Raises Unacceptable, DraftChanged."""
    refuse_errors(ruleset)
    with transaction.atomic():
        before = lock_draft(property)
        if expected_etag not in ("", etag_of(before)):
            raise DraftChanged(etag_of(before))
        return write_draft(property, before, ruleset, user, action)


def lock_draft(property: Property) -> Ruleset:
    """Returns the draft, which nobody else can change until the end of the transaction."""
    return draft(Property.objects.select_for_update().get(pk=property.pk))


def write_draft(
    property: Property, before: Ruleset, after: Ruleset, user: Author, action: str, subject: str = ""
) -> str:
    """Writes the changed rows and an audit entry, under the lock of `lock_draft`; returns the new etag."""
    for name, value in _fields(after.settings).items():
        setattr(property, name, value)
    property.save(update_fields=list(_fields(after.settings)))
    _write_rules(property, without_slots(after.rules))
    lines = differences(before, after)
    if lines:
        record(user, action, property.pk, subject, lines)
    return draft_etag(property)


def refuse_errors(ruleset: Ruleset) -> None:
    """Raises Unacceptable if the rules have errors, so that admin, API and import do not save them."""
    if found := errors_of(ruleset):
        raise Unacceptable(found)


def errors_of(ruleset: Ruleset) -> list[Finding]:
    return find_bad_text(ruleset) or [found for found in check(ruleset) if found.severity == "error"]


def rule_of(row: DraftRule) -> Rule:
    plain = {"kind": row.kind, "name": row.name, "note": row.note, "state": row.state, **row.body}
    rule: Rule = msgspec.convert(plain, Rule)
    return rule


def row_of(property: Property, rule: Rule, position: int) -> DraftRule:
    """Returns the unsaved row of a rule."""
    plain = msgspec.to_builtins(rule)
    body = {name: value for name, value in plain.items() if name not in COLUMNS}
    return DraftRule(
        property=property,
        kind=kind_of(rule),
        name=rule.name,
        note=rule.note,
        state=rule.state,
        position=position,
        body=body,
    )


def _write_rules(property: Property, rules: Sequence[Rule]) -> None:
    """Writes only what differs. A rule of the same kind and name keeps its row, and so the address of its page."""
    rows = {(row.kind, row.name): row for row in property.draft_rules.all()}
    fresh, changed = [], []
    for row in _rows(property, rules):
        old = rows.pop((row.kind, row.name), None)
        if old is None:
            fresh.append(row)
        elif any(getattr(old, name) != getattr(row, name) for name in CHANGEABLE):
            row.pk = old.pk
            changed.append(row)
    property.draft_rules.filter(pk__in=[row.pk for row in rows.values()]).delete()
    DraftRule.objects.bulk_update(changed, CHANGEABLE)
    DraftRule.objects.bulk_create(fresh)


def _rows(property: Property, rules: Sequence[Rule]) -> Iterator[DraftRule]:
    places: Counter[str] = Counter()
    for rule in rules:
        places[kind_of(rule)] += 1
        yield row_of(property, rule, places[kind_of(rule)])


def _fields(settings: PropertySettings) -> dict[str, Any]:
    return {**msgspec.structs.asdict(settings), "domains": "\n".join(settings.domains)}
