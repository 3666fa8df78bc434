"""The panel "When": visits by weekday and hour, as a map of darker and lighter fields."""

from typing import Any, Final

from reporting.model.report import Answer, DateRange, Filter, Report

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS: Final = 24
FAINTEST: Final = 0.06  # of a field with any visit


def heat_report(days: DateRange, filter: Filter | None) -> Report:
    return Report(
        date_ranges=(days,),
        dimensions=("dayOfWeek", "hour"),
        metrics=("sessions",),
        dimension_filter=filter,
        limit=len(DAYS) * HOURS,
    )


def heat_map(answer: Answer) -> dict[str, Any]:
    """Returns a row for each weekday, from Monday, with a field for each hour: visits, and how dark it is (0 to 1)."""
    visits = {(row.dimensions[0], row.dimensions[1]): int(row.metrics[0]) for row in answer.rows}
    most = max(visits.values(), default=0)
    return {
        "most": most,
        "hours": [f"{hour:02d}" for hour in range(HOURS)],
        "rows": [
            {
                "day": day,
                "y": number,
                # The report counts days from 0, Sunday.
                "fields": [
                    _field(visits.get((str((number + 1) % 7), f"{hour:02d}"), 0), most, hour) for hour in range(HOURS)
                ],
            }
            for number, day in enumerate(DAYS)
        ],
    }


def _field(visits: int, most: int, hour: int) -> dict[str, Any]:
    darkness = FAINTEST + (1 - FAINTEST) * visits / most if visits else 0.0
    return {"x": hour, "visits": visits, "darkness": f"{darkness:.3f}", "from": f"{hour:02d}:00"}
