"""Saved audiences of a property, the users' segments: found by name, checked before they are saved."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from django.db import transaction

from configuration.clock import now
from configuration.drafts.audit import Author, name_of, record
from configuration.models import Property
from reporting.capacity.turns import limits
from reporting.model.audience import Audience, AudienceReport, Compared, Condition, Named, Scope
from reporting.model.report import ReportError, unknown
from reporting.models import LONGEST_DESCRIPTION, SavedAudience
from reporting.query.audiences import plan_audiences
from reporting.read_access import newest_rules
from reporting.registry.custom import definitions_of

MOST_SAVED: Final = 200
LONGEST_NAME: Final = 100
MOST_BYTES: Final = 100_000  # of a definition: a list shows all of them, and a report reads all to find its own
UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
UNSEEN_IN_DESCRIPTIONS: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class AudienceForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a user says about a segment."""

    name: str
    description: str = ""
    scope: Scope
    include: Condition | None = None
    exclude: Condition | None = None

    @property
    def audience(self) -> Audience:
        return Audience(self.scope, self.include, self.exclude)


class NameTaken(ReportError):
    """The property has another segment of this name."""


def read_form(body: object) -> AudienceForm:
    """Reads the JSON of a segment. Raises ReportError."""
    try:
        return msgspec.convert(body, AudienceForm)
    except msgspec.ValidationError as error:
        raise ReportError(f"{error}.") from error


def form_of(saved: SavedAudience) -> AudienceForm:
    fields = {name: getattr(saved, name) for name in ("name", "description", "scope")}
    return read_form({**fields, **saved.definition})


def check(form: AudienceForm, property: int) -> None:
    """Raises ReportError if no report of the property could name the segment."""
    if not 1 <= len(form.name.strip()) <= LONGEST_NAME:
        raise ReportError(f"Give the segment a name of at most {LONGEST_NAME} characters.")
    if len(form.description) > LONGEST_DESCRIPTION:
        raise ReportError(f"The description may have {LONGEST_DESCRIPTION} characters.")
    if len(msgspec.json.encode(_plain(form))) > MOST_BYTES:
        raise ReportError(f"The definition is longer than {MOST_BYTES:,} bytes; look for fewer values.")
    if UNSEEN_IN_DESCRIPTIONS.search(form.description) or any(
        UNSEEN.search(text) for text in (form.name, *_texts(_plain(form)))
    ):
        raise ReportError("A text of the segment has invisible characters; type it again by hand.")
    plan_audiences([form.audience], [], definitions_of(newest_rules(property)), limits())


def save(property: Property, form: AudienceForm, user: Author, row: SavedAudience | None = None) -> SavedAudience:
    """Adds a segment, or makes the row this one. Raises ReportError."""
    check(form, property.pk)
    with transaction.atomic():
        Property.objects.select_for_update().get(pk=property.pk)  # two at once could take the same name
        others = SavedAudience.objects.filter(property=property)
        others = others.exclude(pk=row.pk) if row else others
        names = list(others.values_list("name", flat=True))
        if form.name.strip() in names:
            raise NameTaken(f"This property has a segment {form.name.strip()!r} already; give this one another name.")
        if len(names) >= MOST_SAVED:
            raise ReportError(f"A property has at most {MOST_SAVED} segments; delete one that nobody uses.")
        saved = row or SavedAudience(property=property)
        saved.name, saved.description, saved.scope = form.name.strip(), form.description, form.scope
        saved.definition, saved.author, saved.changed_at = _plain(form), name_of(user), now()
        saved.save()
        record(user, "segment changed" if row else "segment added", property.pk, saved.name)
    return saved


def delete(row: SavedAudience, user: Author) -> None:
    """Deletes a segment. Reports that name it are refused from now on."""
    with transaction.atomic():
        record(user, "segment deleted", row.property_id, row.name)
        row.delete()


def resolve_names(reports: Iterable[object], property: int) -> list[Any]:
    """Puts the definitions of saved audiences in the place of their names, or of what Google's API would call them,
    "comparisons/7". Raises ReportError for an unknown name.
    """
    resolved = list(reports)
    named = [report for report in resolved if isinstance(report, AudienceReport)]
    if not any(isinstance(each, str) for report in named for each in _audiences(report)):
        return resolved
    rows = SavedAudience.objects.filter(property=property)
    known = {f"comparisons/{row.pk}": row for row in rows} | {row.name: row for row in rows}
    return [_resolved(report, known) if isinstance(report, AudienceReport) else report for report in resolved]


def _audiences(report: AudienceReport) -> list[Named | None]:
    return [report.audience, *(each.segment for each in report.comparisons)]


def _resolved(report: AudienceReport, known: Mapping[str, SavedAudience]) -> AudienceReport:
    compared = tuple(
        Compared(each.name or _name(each.segment, known), _definition(each.segment, known))
        for each in report.comparisons
    )
    return AudienceReport(report.report, _definition(report.audience, known), compared)


def _name(audience: Named | None, known: Mapping[str, SavedAudience]) -> str:
    return known[audience].name if isinstance(audience, str) and audience in known else ""


def _definition(audience: Named | None, known: Mapping[str, SavedAudience]) -> Audience | None:
    if isinstance(audience, str):
        if audience not in known:
            names = [row.name for row in known.values()]
            advice = f"Its segments are: {', '.join(dict.fromkeys(names))[:500]}." if names else "It has none."
            raise unknown("segment of this property", audience, names, advice=advice)
        return form_of(known[audience]).audience
    return audience


def _plain(form: AudienceForm) -> dict[str, Any]:
    """Returns the definition as JSON."""
    trees = {"include": form.include, "exclude": form.exclude}
    return {name: msgspec.to_builtins(tree) for name, tree in trees.items() if tree is not None}


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
