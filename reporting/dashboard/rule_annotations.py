"""The annotations of a property's chart: its published versions, and those that were applied to its past."""

from functools import lru_cache

from configuration.drafts.publishing import published
from configuration.rule_models import RulesVersion
from processing.segments.read_view import ReadView
from reporting.dashboard.annotations import Annotation, AppliedVersion, annotations
from reporting.dashboard.period_picker import ChosenPeriod


def rule_annotations(view: ReadView, period: ChosenPeriod, *, hourly: bool) -> list[Annotation]:
    """Returns where other rules begin to be in force within the period; the earliest first."""
    rows = RulesVersion.objects.filter(property_number=view.property).order_by("number")
    versions = [
        AppliedVersion(number, int(at.timestamp() * 1000), author, note)
        for number, at, author, note in rows.values_list("number", "published_at", "author", "note")
    ]
    return annotations(
        versions,
        view.sealed.manifest.applied_rules,
        view.zone,
        period,
        hourly=hourly,
        differ=lambda one, other: _differ(view.property, one, other),
    )


@lru_cache(maxsize=4096)
def _differ(property: int, one: int, other: int) -> bool:
    """Returns whether two versions count differently. Versions never change, so the answers are kept."""
    rulesets = [published(property, number) for number in (one, other)]
    first, second = ((ruleset.settings, ruleset.rules) if ruleset else None for ruleset in rulesets)
    return first != second
