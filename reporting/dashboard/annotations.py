"""Where in a chart other rules begin to hold. Pure.

The rules in force at an instant are those that hits of then are processed under: the version that was published last
before it, or a later one that was applied to the past.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from processing.segments.manifest import AppliedRules
from processing.sessions.local_periods import day_start

NONE: Final = 0  # before the first version
FEW: Final = 6  # labels that have room in the chart


class AppliedVersion(NamedTuple):
    """`published` is the instant, ms."""

    number: int
    published: int
    author: str
    note: str


class Annotation(NamedTuple):
    """`x` as plotly reads it, `label` for the chart, `text` for people: it holds other people's text."""

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
    """One for each local day (or hour) of `days` on which other rules begin to hold; the earliest first.

    `differ` says whether two versions, by number, would count differently.
    """
    start, end = day_start(days[0], zone), day_start(days[1] + timedelta(days=1), zone)
    changes: dict[datetime, list[int]] = {}
    for instant, before, now in _changes(versions, bases):
        if start <= instant < end and before != NONE and differ(before, now):
            changes.setdefault(_moment(instant, zone, hourly=hourly), []).append(now)
    known = {version.number: version for version in versions}
    return [_mark(moment, numbers, known, hourly=hourly) for moment, numbers in sorted(changes.items())]


def in_force(versions: Sequence[AppliedVersion], bases: Sequence[AppliedRules], instant: int) -> int:
    """The number of the rules that hold at an instant (ms); NONE before the first."""
    published = [version.number for version in versions if version.published <= instant]
    applied = [base.rules for base in bases if base.start <= instant < base.end]
    return max([NONE, *published, *applied])


def draw(figure: dict[str, Any], found: Sequence[Annotation]) -> None:
    """Adds thin upright lines to a figure of charts.over_time, with labels where they have room."""
    layout = figure["layout"]
    layout["shapes"] += [_line(mark) for mark in found]
    if found:
        layout["margin"] = {**layout["margin"], "t": 24}
        layout["annotations"] = [_label(mark) for mark in found] if len(found) <= FEW else []


def _changes(versions: Sequence[AppliedVersion], bases: Sequence[AppliedRules]) -> Iterator[tuple[int, int, int]]:
    """The instants at which another number holds, with the number before and the one from then on."""
    instants = {version.published for version in versions} | {each for base in bases for each in (base.start, base.end)}
    for instant in sorted(instants):
        before, now = (in_force(versions, bases, each) for each in (instant - 1, instant))
        if before != now:
            yield instant, before, now


def _moment(instant: int, zone: str, *, hourly: bool) -> datetime:
    """The local hour, or the local day, on the zone's clock."""
    local = datetime.fromtimestamp(instant / 1000, tz=ZoneInfo(zone)).replace(tzinfo=None)
    return local.replace(hour=local.hour if hourly else 0, minute=0, second=0, microsecond=0)


def _mark(moment: datetime, numbers: Sequence[int], known: dict[int, AppliedVersion], *, hourly: bool) -> Annotation:
    when = f"{moment.day} {moment:%b, %H:00}" if hourly else f"{moment.day} {moment:%b}"
    text = f"{when}: {'; '.join(_said(number, known.get(number)) for number in numbers)}"
    return Annotation(moment.isoformat() if hourly else moment.date().isoformat(), f"rules {numbers[-1]}", text)


def _said(number: int, version: AppliedVersion | None) -> str:
    if number == NONE:
        return "no rules"
    if version is None:
        return f"rules {number}"
    note = f" – ‘{version.note}’" if version.note else ""
    return f"rules {number} by {version.author}{note}"


def _line(mark: Annotation) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": mark.x,
        "x1": mark.x,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"width": 1, "color": "--edge"},
    }


def _label(mark: Annotation) -> dict[str, Any]:
    return {
        "x": mark.x,
        "yref": "paper",
        "y": 1,
        "yanchor": "bottom",
        "text": mark.label,
        "showarrow": False,
        "font": {"size": 11, "color": "--quiet"},
    }
