"""Single changes of a draft, as the pages make them. Errors that were there before do not stop a change."""

from collections.abc import Callable

from django.db import transaction

from configuration.checks.check import Finding, check
from configuration.drafts.audit import Author
from configuration.drafts.draft import Unacceptable, errors_of, lock_draft, rule_of, write_draft
from configuration.models import DraftRule, Property
from configuration.ruleset.diff import rule_title
from configuration.ruleset.document import in_order
from configuration.ruleset.kinds import kind_of
from configuration.ruleset.ruleset import Rule, Ruleset
from configuration.ruleset.text_limits import find_bad_text

Rules = tuple[Rule, ...]


def add(property: Property, rule: Rule, user: Author) -> None:
    """Adds the rule after the others of its kind. Raises Unacceptable."""
    _change(property, user, "rule added", rule, lambda rules: (*rules, rule))


def change(property: Property, row: DraftRule, rule: Rule, user: Author) -> None:
    """Makes the row this rule, which may have another name. Raises Unacceptable."""
    old = rule_of(row)

    def with_it(rules: Rules) -> Rules:
        return tuple(rule if _same(other, old) else other for other in rules)

    _change(property, user, "rule changed", rule, with_it, renamed=row)


def delete(property: Property, row: DraftRule, user: Author) -> None:
    """Raises Unacceptable if other rules need the rule."""
    old = rule_of(row)
    _change(property, user, "rule deleted", old, lambda rules: tuple(rule for rule in rules if not _same(rule, old)))


def move(property: Property, row: DraftRule, to: int, user: Author) -> None:
    """Moves the rule to a place among those of its kind, from 1."""
    moved = rule_of(row)

    def with_move(rules: Rules) -> Rules:
        others = [rule for rule in rules if not _same(rule, moved)]
        kin = [rule for rule in others if kind_of(rule) == row.kind]
        kin.insert(max(0, to - 1), moved)
        return in_order((*(rule for rule in others if kind_of(rule) != row.kind), *kin))

    _change(property, user, "rule moved", moved, with_move)


def with_rule(ruleset: Ruleset, old: Rule | None, rule: Rule) -> Ruleset:
    """Returns the ruleset with the rule added, or in the place of `old`."""
    if old is None:
        return _with(ruleset, (*ruleset.rules, rule))
    return _with(ruleset, tuple(rule if _same(other, old) else other for other in ruleset.rules))


def findings_of_change(before: Ruleset, after: Ruleset) -> list[Finding]:
    """Returns the errors and warnings that a change adds."""
    known = {_without_number(finding) for finding in [*find_bad_text(before), *check(before)]}
    return [finding for finding in find_bad_text(after) or check(after) if _without_number(finding) not in known]


def _change(
    property: Property,
    user: Author,
    action: str,
    rule: Rule,
    make: Callable[[Rules], Rules],
    renamed: DraftRule | None = None,
) -> None:
    """Writes the changed draft. The row `renamed` gets the new name first, so that it stays the rule's row."""
    with transaction.atomic():
        before = lock_draft(property)
        after = _with(before, make(before.rules))
        known = {_without_number(finding) for finding in errors_of(before)}
        errors = [finding for finding in errors_of(after) if _without_number(finding) not in known]
        if errors:
            raise Unacceptable(errors)
        if renamed:
            DraftRule.objects.filter(pk=renamed.pk).update(name=rule.name)
        write_draft(property, before, after, user, action, rule_title(rule))


def _with(ruleset: Ruleset, rules: Rules) -> Ruleset:
    return Ruleset(ruleset.property, 0, ruleset.settings, in_order(rules))


def _same(one: Rule, other: Rule) -> bool:
    return (kind_of(one), one.name) == (kind_of(other), other.name)


def _without_number(finding: Finding) -> tuple[str, str, str, str]:
    """Returns a finding without the rule's number, which changes when another rule is added or deleted."""
    return finding.kind, finding.rule, finding.place.partition(".")[2], finding.message
