"""The settings of now, as plain values that processing can freeze into a context."""

from configuration.models import Property
from configuration.rules import PropertySettings


def property_settings() -> tuple[PropertySettings, ...]:
    """All properties, by number."""
    return tuple(item.settings() for item in Property.objects.order_by("pk"))


def retention_days() -> dict[int, tuple[int | None, int | None]]:
    """Days that raw hits and reports are kept, by property; None: for ever."""
    rows = Property.objects.values_list("pk", "raw_retention_days", "report_retention_days")
    return {number: (raw, report) for number, raw, report in rows}
