"""The annotations of a chart: where other rules begin to be in force. Pure.

The rules in force at an instant are those that hits of that instant are processed under: the version that was
published last before it, or a later one that was applied to the past.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from processing.segments.manifest import AppliedRules
from processing.sessions.local_periods import bounds

NO_RULES: Final = 0  # before the first version
MOST_LABELS: Final = 6  # more do not fit into the chart
NEAR_END: Final = 0.1  # of the axis


class AppliedVersion(NamedTuple):
    """A published version; `published` is the instant in ms."""

    number: int
    published: int
    author: str
    note: str


class Annotation(NamedTuple):
    """`x` is in the format of plotly, `label` is for the chart; `text` is for people and holds text of authors."""

    x: str
    label: str
    text: str


Differ = Callable[[int, int], bool]


def annotations(
    versions: Sequence[AppliedVersion],
    bases: Sequence[AppliedRules],
    zone: str,
    days: tuple[date, date],
    *,
    hourly: bool,
    differ: Differ,
) -> list[Annotation]:
    """Returns one for each local day (or hour) of `days` on which other rules come into force; the earliest first.

    `differ` says whether two versions, by number, count differently.
    """
    start, end = bounds(*days, zone)
    instants = {version.published for version in versions} | {
        bound for base in bases for bound in (base.start, base.end)
    }
    changes: dict[datetime, list[int]] = {}
    for instant in sorted(instants):
        before, after = (in_force(versions, bases, moment) for moment in (instant - 1, instant))
        if start <= instant < end and before not in (NO_RULES, after) and differ(before, after):
            changes.setdefault(_local_moment(instant, zone, hourly=hourly), []).append(after)
    by_number = {version.number: version for version in versions}
    return [_annotation(moment, numbers, by_number, hourly=hourly) for moment, numbers in sorted(changes.items())]


def in_force(versions: Sequence[AppliedVersion], bases: Sequence[AppliedRules], instant: int) -> int:
    """Returns the number of the rules in force at an instant (ms); NO_RULES before the first version."""
    published = [version.number for version in versions if version.published <= instant]
    applied = [base.rules for base in bases if base.start <= instant < base.end]
    return max([NO_RULES, *published, *applied])


def draw(figure: dict[str, Any], drawn: Sequence[Annotation]) -> None:
    """Adds thin vertical lines to a figure of charts.over_time, with labels if there are few."""
    layout = figure["layout"]
    layout["shapes"] += [_line(annotation) for annotation in drawn]
    if drawn:
        layout["margin"] = {**layout["margin"], "t": 24}
        bounds = layout["xaxis"].get("range")
        layout["annotations"] = [_label(each, bounds) for each in drawn] if len(drawn) <= MOST_LABELS else []


def _local_moment(instant: int, zone: str, *, hourly: bool) -> datetime:
    """Returns the local hour, or the local day, on the zone's clock."""
    local = datetime.fromtimestamp(instant / 1000, tz=ZoneInfo(zone)).replace(tzinfo=None)
    return local.replace(hour=local.hour if hourly else 0, minute=0, second=0, microsecond=0)


def _annotation(
    moment: datetime, numbers: Sequence[int], by_number: dict[int, AppliedVersion], *, hourly: bool
) -> Annotation:
    when = f"{moment.day} {moment:%b, %H:00}" if hourly else f"{moment.day} {moment:%b}"
    rules = "; ".join(_describe_version(number, by_number.get(number)) for number in numbers)
    x = moment.isoformat() if hourly else moment.date().isoformat()
    return Annotation(x, f"rules {numbers[-1]}", f"{when}: {rules}")


def _describe_version(number: int, version: AppliedVersion | None) -> str:
    """Returns a text such as `rules 3 by ada – ‘without the office’`."""
    if number == NO_RULES:
        return "no rules"
    if version is None:
        return f"rules {number}"
    note = f" – ‘{version.note}’" if version.note else ""
    return f"rules {number} by {version.author}{note}"


def _anchor(x: str, bounds: Sequence[str]) -> str:
    moment, first, last = (datetime.fromisoformat(each) for each in (x, *bounds))
    if moment - first < (last - first) * NEAR_END:
        return "left"
    return "right" if last - moment < (last - first) * NEAR_END else "center"


def _line(annotation: Annotation) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": annotation.x,
        "x1": annotation.x,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"width": 1, "color": "--edge"},
    }


def _label(annotation: Annotation, bounds: Sequence[str] | None) -> dict[str, Any]:
    """Centred over its line; near an end of the axis beside it, so that the chart does not cut it off."""
    return {
        "x": annotation.x,
        "xanchor": _anchor(annotation.x, bounds) if bounds else "center",
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "text": annotation.label,
        "showarrow": False,
        "font": {"size": 11, "color": "--quiet"},
    }
