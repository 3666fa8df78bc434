"""Publishing: a draft becomes an immutable numbered version, under which new hits are received from then on."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
from django.db import transaction

from configuration import clock
from configuration.checks.check import Finding, check
from configuration.drafts.audit import SYSTEM, Author, name_of, record
from configuration.drafts.draft import DraftChanged, Unacceptable, draft, etag_of, replace_draft
from configuration.models import Property
from configuration.rule_models import RulesVersion, newest_version
from configuration.ruleset.diff import differences
from configuration.ruleset.document import in_order, without_slots
from configuration.ruleset.ruleset import KeyEventRule, Rule, Ruleset, encode_ruleset
from configuration.ruleset.text_limits import find_bad_note_text

SLOTS: Final = 64
AS_CREATED: Final = "as created"

CheckWithData = Callable[[Ruleset], Iterable[Finding]]
checks_with_data: Final[list[CheckWithData]] = []  # checks that need hits; the layer that reads hits adds them
SeenEvents = Callable[[int], Sequence[str]]
seen_events: Final[list[SeenEvents]] = []  # names of events that a property had of late; added by the same layer


class NothingChanged(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(f"Nothing changed since version {number}.")
        self.number = number


class NoSuchVersion(LookupError):
    def __init__(self, number: int) -> None:
        super().__init__(f"There is no version {number}.")


def all_findings(ruleset: Ruleset) -> list[Finding]:
    """Returns the findings of the check, and of the checks with recent hits."""
    found = check(ruleset)
    try:
        wanted = with_slots(ruleset)
    except Unacceptable as refused:
        return [*found, *refused.findings]
    for look in checks_with_data:
        found = [*found, *look(wanted)]
    return found


def next_rules(property: Property) -> Ruleset:
    """Returns the draft as it would be published. If it has too many once-a-session key events, they have no slots."""
    seen = draft(property)
    try:
        return with_slots(seen)
    except Unacceptable:  # the check reports this error
        return seen


def with_slots(ruleset: Ruleset) -> Ruleset:
    """Raises Unacceptable."""
    return msgspec.structs.replace(ruleset, rules=give_slots(in_order(ruleset.rules), _slots(ruleset.property)))


def publish(property: Property, user: Author, note: str = "", expected_etag: str | None = None) -> RulesVersion:
    """Raises Unacceptable where the check finds errors, NothingChanged, DraftChanged.

    The check, which may read many hits, runs before the lock is taken.
    """
    seen = draft(property)
    etag = etag_of(seen)
    if expected_etag not in (None, etag):
        raise DraftChanged(etag)
    _refuse_unchanged(seen)
    _refuse_errors(seen, note)
    with transaction.atomic():
        now = draft(Property.objects.select_for_update().get(pk=property.pk))
        if etag_of(now) != etag:
            raise DraftChanged(etag_of(now))
        return _append(now, user, note, "published")


def publish_again(property: Property, number: int, user: Author, note: str = "") -> RulesVersion:
    """Sets the draft to an earlier version and publishes it. Raises NoSuchVersion, and like `publish`."""
    old = published(property.pk, number)
    if old is None:
        raise NoSuchVersion(number)
    wanted = Ruleset(property.pk, 0, old.settings, without_slots(old.rules))
    _refuse_unchanged(wanted)
    _refuse_errors(wanted, note)
    with transaction.atomic():
        replace_draft(property, wanted, user, action="draft set to a version")
        return _append(wanted, user, note or f"version {number} again", "published again")


def published(property_number: int, number: int | None = None) -> Ruleset | None:
    """Returns the published version of this number, or the newest; None if there is none."""
    if number is None:
        version = newest_version(property_number)
    else:
        version = RulesVersion.objects.filter(property_number=property_number, number=number).first()
    return version.ruleset() if version else None


def unpublished_changes(property: Property) -> list[str]:
    """Returns the changes that publishing would make, one sentence each."""
    newest = published(property.pk)
    return differences(newest or Ruleset(property.pk), draft(property))


def publish_first_version(sender: Any, instance: Property, created: bool, raw: bool = False, **options: Any) -> None:
    """Publishes version 1 of a new property at once (signal `post_save`), so that its hits are never without rules."""
    if created and not raw:
        with transaction.atomic():
            _append(draft(instance), SYSTEM, AS_CREATED, "published")


def give_slots(rules: Sequence[Rule], earlier: dict[str, int]) -> tuple[Rule, ...]:
    """Gives each once-a-session key event the slot that its name had in any version, else the lowest free slot.

    With {"signup": 0} known, "signup" gets 0 again, even after it was deleted, and "purchase" gets 1.
    Raises Unacceptable if no slot is free.
    """
    known = dict(earlier)
    return tuple(_with_slot(rule, known) if _is_once(rule) else rule for rule in rules)


def _with_slot(rule: Rule, known: dict[str, int]) -> Rule:
    if rule.name not in known:
        free = min(set(range(SLOTS + 1)) - set(known.values()))
        if free == SLOTS:
            message = (
                f"A property can have {SLOTS} names of key events that count once a session. Use an earlier name again."
            )
            raise Unacceptable([Finding("key event", rule.name, "once", message, "error")])
        known[rule.name] = free
    return msgspec.structs.replace(rule, slot=known[rule.name])


def _is_once(rule: Rule) -> bool:
    return isinstance(rule, KeyEventRule) and rule.once == "session"


def _append(ruleset: Ruleset, user: Author, note: str, action: str) -> RulesVersion:
    """Adds a version. The caller holds the property's lock."""
    newest = newest_version(ruleset.property)
    before = newest.ruleset() if newest else Ruleset(ruleset.property)
    number = newest.number + 1 if newest else 1
    content = encode_ruleset(msgspec.structs.replace(with_slots(ruleset), number=number)).decode()
    version = RulesVersion.objects.create(
        property_number=ruleset.property,
        number=number,
        author=name_of(user),
        note=note.strip(),
        content=content,
        published_at=clock.now(),
    )
    record(user, action, ruleset.property, f"version {number}", differences(before, ruleset))
    return version


class _Slot(msgspec.Struct):
    name: str
    slot: int | None = None


class _Slots(msgspec.Struct):
    rules: list[_Slot]


def _slots(property_number: int) -> dict[str, int]:
    """Returns the slots by name of the key event, of all versions."""
    contents = RulesVersion.objects.filter(property_number=property_number, content__contains='"slot":').order_by(
        "number"
    )
    return {
        rule.name: rule.slot
        for content in contents.values_list("content", flat=True)
        for rule in msgspec.json.decode(content, type=_Slots).rules
        if rule.slot is not None
    }


def _refuse_unchanged(wanted: Ruleset) -> None:
    newest = newest_version(wanted.property)
    if newest is None:
        return
    before = newest.ruleset()
    if (before.settings, without_slots(before.rules)) == (wanted.settings, in_order(without_slots(wanted.rules))):
        raise NothingChanged(newest.number)


def _refuse_errors(ruleset: Ruleset, note: str) -> None:
    findings = find_bad_note_text(note) or all_findings(ruleset)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        raise Unacceptable(errors)
