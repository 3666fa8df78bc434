"""The current settings and rules, as plain values that processing can freeze into a context."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Final, TypeAlias

from django.db.models import OuterRef, Q, QuerySet, Subquery

from configuration.models import Property
from configuration.rule_models import RulesVersion
from configuration.ruleset.context import ReceiveSettings
from configuration.ruleset.ruleset import PropertySettings, ruleset_name

Version: TypeAlias = tuple[int, datetime]  # row and time: a row's number alone may come again after a roll-back
AT_ONCE: Final = 200
MOST_KNOWN: Final = 10_000
OF_THE_ROW: Final = (
    "measurement_id",
    "name",
    "identity",
    "address_precision",
    "remove_personal_data",
)  # the rest is as it was published


def receive_settings() -> tuple[ReceiveSettings, ...]:
    """Returns the settings of all properties, by number.

    Called twice a second: a version's content is read only once.
    """
    return receive_settings_of(Property.objects.order_by("pk"))


def receive_settings_of(properties: QuerySet[Property]) -> tuple[ReceiveSettings, ...]:
    """Returns the settings as they were published last, in the order of the query."""
    rows: list[Any] = list(_with_newest(properties.only(*OF_THE_ROW)))
    terms = _terms([(row.newest, row.since) for row in rows if row.newest])
    return tuple(row.receive_settings_under(*terms.get((row.newest, row.since), (0,))) for row in rows)


def rulesets(numbers: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Returns the published rules by (property, number), encoded."""
    wanted = sorted(set(numbers))
    found: dict[tuple[int, int], bytes] = {}
    for start in range(0, len(wanted), AT_ONCE):
        of = [Q(property_number=property, number=number) for property, number in wanted[start : start + AT_ONCE]]
        rows = RulesVersion.objects.filter(reduce(or_, of)).values_list("property_number", "number", "content")
        found |= {(property, number): content.encode() for property, number, content in rows}
    return found


def stored_rules(properties: Sequence[ReceiveSettings]) -> dict[str, bytes]:
    """Returns the rules that the store must hold before a context with these settings is stored: name -> content."""
    numbers = [(settings.id, settings.rules) for settings in properties if settings.rules]
    return {ruleset_name(*which): content for which, content in rulesets(numbers).items()}


def retention_days() -> dict[int, tuple[int | None, int | None]]:
    """Days that raw hits and reports are kept, by property; None: forever."""
    rows = Property.objects.values_list("pk", "raw_retention_days", "report_retention_days")
    return {number: (raw, report) for number, raw, report in rows}


def _with_newest(properties: QuerySet[Property]) -> QuerySet[Property]:
    newest = RulesVersion.objects.filter(property_number=OuterRef("pk")).order_by("-number")
    return properties.annotate(
        newest=Subquery(newest.values("pk")[:1]), since=Subquery(newest.values("published_at")[:1])
    )


def _terms(versions: Sequence[Version]) -> dict[Version, tuple[int, PropertySettings]]:
    """Returns the rules' number and settings of each version."""
    found = {version: terms for version in versions if (terms := _known.get(version))}
    missing = [version for version in versions if version not in found]
    rows = RulesVersion.objects.in_bulk([row for row, _ in missing])
    found |= {version: (rows[version[0]].number, rows[version[0]].ruleset().settings) for version in missing}
    if len(_known) > MOST_KNOWN:
        _known.clear()
    _known.update(found)
    return found


_known: dict[Version, tuple[int, PropertySettings]] = {}
