"""The marks of a property's chart, out of its published versions and what was applied to its past."""

from functools import lru_cache

from configuration.drafts.publishing import published
from configuration.rule_models import RulesVersion
from processing.segments.read_view import ReadView
from reporting.dashboard.annotations import Annotation, AppliedVersion, annotations
from reporting.dashboard.panels import is_hourly
from reporting.dashboard.period_picker import ChosenPeriod


def rule_annotations(view: ReadView, period: ChosenPeriod) -> list[Annotation]:
    """Where other rules begin to hold within the period; the earliest first."""
    rows = RulesVersion.objects.filter(property_number=view.property).order_by("number")
    versions = [
        AppliedVersion(number, int(at.timestamp() * 1000), author, note)
        for number, at, author, note in rows.values_list("number", "published_at", "author", "note")
    ]
    return annotations(
        versions,
        view.sealed.book.bases,
        view.zone,
        period,
        hourly=is_hourly(period),
        differ=lambda one, other: _differ(view.property, one, other),
    )


@lru_cache(maxsize=4096)
def _differ(property: int, one: int, other: int) -> bool:
    """Versions never change, so neither does the answer."""
    found = [published(property, number) for number in (one, other)]
    contents = [(each.settings, each.rules) if each else None for each in found]
    return contents[0] != contents[1]
