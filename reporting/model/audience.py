"""Users' segments, which the code calls audiences: a segment of the store is a file. A definition, and the requests
that name one, as frozen values.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal, TypeAlias

import msgspec

from reporting.model import report as filters
from reporting.model.report import Comparison, Filter, NumericFilter, ReportError

Scope = Literal["user", "session", "event"]
COMPARISON: Final = "comparison"  # the dimension that says which comparison a row belongs to
MOST_COMPARISONS: Final = 4
LONGEST_NAME: Final = 100
MOST_STEPS: Final = 10
LONGEST_WAIT_S: Final = 366 * 86_400
DEEPEST: Final = 20


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An event that the filter accepts, and that comes after the one of the step before.

    `directly`: no other event lies between the two. `within_seconds`: the longest time between the two.
    """

    filter: Filter
    directly: bool = False
    within_seconds: int | None = None


class Events(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="events"):
    """The events that the filter accepts, all without one, have together a metric that compares so with the value;
    without metric: there is such an event.
    """

    filter: Filter | None = None
    metric: str = "eventCount"
    operation: Comparison = "GREATER_THAN"
    value: float = 0

    def asks_for_any(self) -> bool:
        """Returns whether one event is enough, so that nothing has to be counted."""
        return self == Events(self.filter)

    def of_metric(self) -> NumericFilter:
        return NumericFilter(self.metric, self.operation, self.value)


class Sequence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="sequence"):
    """Some events are the steps, one after the other."""

    steps: tuple[Step, ...]


class InOneSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="in_one_session"):
    """The user has a session whose events alone meet the condition."""

    condition: "Condition"


class AllOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="and"):
    conditions: tuple["Condition", ...]


class AnyOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="or"):
    conditions: tuple["Condition", ...]


class Negated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="not"):
    condition: "Condition"


Condition: TypeAlias = Events | Sequence | InOneSession | AllOf | AnyOf | Negated


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The events of the users, or of the sessions, that meet `include` and do not meet `exclude`, or single events that
    do. One of the two may be missing.
    """

    scope: Scope
    include: Condition | None = None
    exclude: Condition | None = None


Named: TypeAlias = str | Audience  # the name of a saved one, or a definition


class Compared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the comparisons of a report: all events without a segment. Its name is that of the saved segment, unless
    it has one of its own.
    """

    name: str = ""
    segment: Named | None = None


class AudienceReport(msgspec.Struct, frozen=True):
    """A report of any kind on the events of an audience, or on those of several side by side."""

    report: Any
    audience: Named | None = None
    comparisons: tuple[Compared, ...] = ()


class _Request(msgspec.Struct, frozen=True):
    segment: Named | None = None
    comparisons: tuple[Compared, ...] = ()


def read_audiences(report: Any, segment: object, comparisons: object) -> Any:
    """Reads these fields of a request of our own API. Returns the report alone without any. Raises ReportError."""
    if segment is None and comparisons is None:
        return report
    fields = {"segment": segment, "comparisons": [] if comparisons is None else comparisons}
    try:
        request = msgspec.convert(fields, _Request)
    except msgspec.ValidationError as error:
        raise ReportError(str(error)) from error
    return AudienceReport(report, request.segment, request.comparisons)


def check_comparisons(comparisons: tuple[Compared, ...]) -> None:
    """Raises ReportError if they are too many, or a name is missing or given twice."""
    if len(comparisons) > MOST_COMPARISONS:
        raise ReportError(f"The report has {len(comparisons)} comparisons; at most {MOST_COMPARISONS} are allowed.")
    names = [each.name for each in comparisons]
    if any(not 1 <= len(name) <= LONGEST_NAME for name in names) or len(set(names)) < len(names):
        raise ReportError(f"Give each comparison a name of its own, of at most {LONGEST_NAME} characters.")


def conditions_of(audience: Audience) -> Iterator[Events | Sequence | InOneSession]:
    """Yields the conditions that are no groups. Raises ReportError for a mistake that needs no names to be found."""
    trees = [tree for tree in (audience.include, audience.exclude) if tree is not None]
    if not trees:
        raise ReportError("The segment chooses nothing; give it `include` or `exclude`.")
    for tree in trees:
        yield from _conditions(tree, audience.scope, 0)


def _conditions(tree: Condition, scope: Scope, depth: int) -> Iterator[Events | Sequence | InOneSession]:
    if depth > DEEPEST:
        raise ReportError(f"The segment is nested deeper than {DEEPEST}; flatten it.")
    match tree:
        case AllOf(children) | AnyOf(children):
            if not children:
                raise ReportError("A group of the segment has no conditions; give it at least one.")
        case Negated(child) | InOneSession(child):
            children = (child,)
        case _:
            children = ()
    if not isinstance(tree, AllOf | AnyOf | Negated):
        _check_scope(tree, scope)
        yield tree
    for child in children:
        yield from _conditions(child, "session" if isinstance(tree, InOneSession) else scope, depth + 1)


def _check_scope(condition: Events | Sequence | InOneSession, scope: Scope) -> None:
    match condition:
        case InOneSession():
            if scope != "user":
                raise ReportError("`in_one_session` is for segments of users; it cannot be within a session.")
        case Events():
            if scope == "event" and not (condition.filter and condition.asks_for_any()):
                raise ReportError("A condition of a segment of events is a filter: a single event has no metrics.")
        case Sequence(steps):
            _check_sequence(steps, scope)


def _check_sequence(steps: tuple[Step, ...], scope: Scope) -> None:
    if scope == "event":
        raise ReportError("A segment of events has no sequences; make it one of sessions or users.")
    if not 2 <= len(steps) <= MOST_STEPS:
        raise ReportError(f"The sequence has {len(steps)} steps; give it 2 to {MOST_STEPS}.")
    if steps[0].directly or steps[0].within_seconds is not None:
        raise ReportError("The first step follows no other; give it neither directly nor within_seconds.")
    if any(step.within_seconds is not None and not 1 <= step.within_seconds <= LONGEST_WAIT_S for step in steps):
        raise ReportError(f"A step's within_seconds must be between 1 and {LONGEST_WAIT_S}.")


def event_filter(audience: Audience) -> Filter | None:
    """Returns the filter of the events of an audience of single events; None for all events."""
    include = None if audience.include is None else _as_filter(audience.include)
    exclude = None if audience.exclude is None else filters.Not(_as_filter(audience.exclude))
    both = tuple(tree for tree in (include, exclude) if tree is not None)
    return filters.And(both) if both else None


def _as_filter(tree: Condition) -> Filter:
    match tree:
        case AllOf(children):
            return filters.And(tuple(map(_as_filter, children)))
        case AnyOf(children):
            return filters.Or(tuple(map(_as_filter, children)))
        case Negated(child):
            return filters.Not(_as_filter(child))
        case Events(filter) if filter is not None:
            return filter
    raise ReportError("A segment of events has filters alone: a single event has no metrics, sequences or sessions.")


def of_filter(filter: Filter | None) -> Audience | None:
    """Returns the audience of the events that a filter accepts; None for all events."""
    return None if filter is None else Audience("event", include=Events(filter))
