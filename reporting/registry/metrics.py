"""The metrics of reports. Each registry entry has its definition, the measures that it needs, and its value."""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import polars as pl

from processing.pipeline.custom_values import MILLIONTHS
from reporting.model.expressions import ratio, read
from reporting.model.report import ReportError, undefined, unknown
from reporting.registry.measures import (
    ACTIVE_VISITORS,
    DURATION_MS,
    ENGAGED_SESSIONS,
    ENGAGEMENT_MS,
    EVENTS,
    KEY_EVENTS,
    KEY_SESSIONS,
    KEY_VISITORS,
    NEW_VISITORS,
    PAGE_VIEWS,
    SESSIONS,
    VISITORS,
    Measure,
    Sum,
    events_named,
    key_events_named,
    key_sessions_with,
    key_visitors_with,
    visitors_with,
    without_repeats,
)

MetricType = Literal["INTEGER", "FLOAT", "SECONDS", "CURRENCY"]


class Metric(NamedTuple):
    """`value` is an expression over columns that have the names of measures; a division by 0 gives 0.

    `flags_show_zero`: the value is 0 in the same rows if a flag, 0 or 1, takes the place of each measure that is
    not a sum. A page leaves out rows of zeros, so it can then be found without counting distinct visitors or sessions.
    It does not hold for bounceRate: 3 sessions, of which 1 is engaged, give 2 / 3, but their flags give (1 - 1) / 1.
    """

    name: str
    label: str
    type: MetricType
    category: str
    definition: str
    measures: tuple[Measure, ...]
    value: pl.Expr
    expression: str = ""
    flags_show_zero: bool = True

    @property
    def scope(self) -> str:
        """The unit that the metric counts."""
        return {"User": "user", "Session": "session"}.get(self.category, "event")


def _count(*, name: str, label: str, category: str, definition: str, measure: Measure) -> Metric:
    return Metric(name, label, "INTEGER", category, definition, (measure,), pl.col(measure.name))


def _rate(
    name: str, label: str, category: str, definition: str, part: Measure, whole: Measure, expression: str = ""
) -> Metric:
    value = ratio(pl.col(part.name), pl.col(whole.name))
    return Metric(name, label, "FLOAT", category, definition, (part, whole), value, expression)


def summed(
    name: str, label: str, type: MetricType, definition: str, *, columns: tuple[str, ...], value: pl.Expr
) -> Metric:
    """Returns the metric of a sum of millionths."""
    total = ratio(pl.col(name), MILLIONTHS)
    return Metric(name, label, type, "Event", definition, (Sum(name, columns, value, wide=True),), total)


def _seconds(milliseconds: pl.Expr) -> pl.Expr:
    return ratio(milliseconds, 1000)


_ALL: Final = (
    _count(
        name="activeUsers",
        label="Active users",
        category="User",
        definition="Distinct visitors of active events. An event is active if its session is engaged by the end of the"
        " local day, if it carries engagement time, or if it is a first visit; in sources without engagement signals,"
        " such as access logs, also if it is a page view.",
        measure=ACTIVE_VISITORS,
    ),
    _count(
        name="totalUsers",
        label="Total users",
        category="User",
        definition="Distinct visitors with an event in the row.",
        measure=VISITORS,
    ),
    _count(
        name="newUsers",
        label="New users",
        category="User",
        definition="Distinct visitors with a first visit in the row.",
        measure=NEW_VISITORS,
    ),
    _rate(
        "userKeyEventRate",
        "User key event rate",
        "User",
        "Distinct visitors with a key event in the row as a share of all visitors of the row, from 0 to 1.",
        KEY_VISITORS,
        VISITORS,
    ),
    _count(
        name="scrolledUsers",
        label="Scrolled users",
        category="User",
        definition="Distinct visitors with a scroll event in the row: they came to 90 % of a page.",
        measure=visitors_with("scroll"),
    ),
    _count(
        name="sessions",
        label="Sessions",
        category="Session",
        definition="Distinct sessions with an event in the row.",
        measure=SESSIONS,
    ),
    _count(
        name="engagedSessions",
        label="Engaged sessions",
        category="Session",
        definition="Distinct sessions of the row that are engaged on one of its days. A session is engaged on a local"
        " day if, by the end of that day, it had more than 10 seconds of engagement time (in sources without"
        " engagement signals: from first to last event), two page views or a key event, or if the client said so.",
        measure=ENGAGED_SESSIONS,
    ),
    _rate(
        "engagementRate",
        "Engagement rate",
        "Session",
        "Engaged sessions as a share of sessions, from 0 to 1.",
        ENGAGED_SESSIONS,
        SESSIONS,
        "engagedSessions / sessions",
    ),
    Metric(
        name="bounceRate",
        label="Bounce rate",
        type="FLOAT",
        category="Session",
        definition="Sessions that are not engaged as a share of sessions, from 0 to 1.",
        measures=(ENGAGED_SESSIONS, SESSIONS),
        value=ratio(pl.col("sessions") - pl.col("engaged_sessions"), pl.col("sessions")),
        expression="(sessions - engagedSessions) / sessions",
        flags_show_zero=False,
    ),
    Metric(
        name="bounces",
        label="Bounces",
        type="INTEGER",
        category="Session",
        definition="Sessions that are not engaged.",
        measures=(ENGAGED_SESSIONS, SESSIONS),
        value=pl.col("sessions") - pl.col("engaged_sessions"),
        expression="sessions - engagedSessions",
        flags_show_zero=False,
    ),
    Metric(
        name="averageSessionDuration",
        label="Average session duration",
        type="SECONDS",
        category="Session",
        definition="Time from first to last event of the row's sessions on the row's days, in seconds, divided by the"
        " number of these sessions.",
        measures=(DURATION_MS, SESSIONS),
        value=ratio(_seconds(pl.col("duration_ms")), pl.col("sessions")),
    ),
    _rate(
        "sessionKeyEventRate",
        "Session key event rate",
        "Session",
        "Distinct sessions with a key event in the row as a share of all sessions of the row, from 0 to 1.",
        KEY_SESSIONS,
        SESSIONS,
    ),
    _rate(
        "sessionsPerUser",
        "Sessions per user",
        "User",
        "Sessions divided by active users.",
        SESSIONS,
        ACTIVE_VISITORS,
        "sessions / activeUsers",
    ),
    _rate(
        "screenPageViewsPerSession",
        "Views per session",
        "Session",
        "Page views divided by sessions.",
        PAGE_VIEWS,
        SESSIONS,
        "screenPageViews / sessions",
    ),
    _rate(
        "screenPageViewsPerUser",
        "Views per user",
        "Page",
        "Page views divided by active users.",
        PAGE_VIEWS,
        ACTIVE_VISITORS,
        "screenPageViews / activeUsers",
    ),
    _count(
        name="screenPageViews",
        label="Views",
        category="Page",
        definition="The number of page views. Repeated views of a page count.",
        measure=PAGE_VIEWS,
    ),
    _count(
        name="eventCount", label="Event count", category="Event", definition="The number of events.", measure=EVENTS
    ),
    _rate(
        "eventsPerSession",
        "Events per session",
        "Event",
        "Events divided by sessions.",
        EVENTS,
        SESSIONS,
        "eventCount / sessions",
    ),
    _rate(
        "eventCountPerUser",
        "Event count per user",
        "Event",
        "Events divided by active users.",
        EVENTS,
        ACTIVE_VISITORS,
        "eventCount / activeUsers",
    ),
    _count(
        name="keyEvents",
        label="Key events",
        category="Event",
        definition="Events that the client or a rule marks as key events. If a rule counts once a session, only the"
        " first of each session counts.",
        measure=KEY_EVENTS,
    ),
    summed(
        "keyEventValue",
        "Key event value",
        "CURRENCY",
        "The sum of the key events' values by the property's rules, in the property's currency.",
        columns=("key", "key_value"),
        value=pl.when("key").then("key_value").otherwise(0),
    ),
    _count(
        name="addToCarts",
        label="Add to carts",
        category="Event",
        definition="The number of add_to_cart events.",
        measure=events_named("add_to_cart"),
    ),
    _count(
        name="checkouts",
        label="Checkouts",
        category="Event",
        definition="The number of begin_checkout events.",
        measure=events_named("begin_checkout"),
    ),
    Metric(
        name="userEngagementDuration",
        label="User engagement",
        type="SECONDS",
        category="User",
        definition="The sum of the events' engagement time, in seconds.",
        measures=(ENGAGEMENT_MS,),
        value=_seconds(pl.col("engagement_ms")),
    ),
)
METRICS: Final[Mapping[str, Metric]] = {metric.name: metric for metric in _ALL}


def _key_events_of(name: str, event: str) -> Metric:
    return _count(
        name=name,
        label=f"Key events: {event}",
        category="Event",
        definition=f"Key events that are named {event}.",
        measure=key_events_named(event),
    )


def _session_rate_of(name: str, event: str) -> Metric:
    definition = f"Distinct sessions with the key event {event} in the row as a share of all sessions of the row."
    return _rate(name, f"Session key event rate: {event}", "Session", definition, key_sessions_with(event), SESSIONS)


def _user_rate_of(name: str, event: str) -> Metric:
    definition = f"Distinct visitors with the key event {event} in the row as a share of all visitors of the row."
    return _rate(name, f"User key event rate: {event}", "User", definition, key_visitors_with(event), VISITORS)


# "keyEvents:purchase" -> the metric of this name, for the event purchase.
OF_EVENT: Final[Mapping[str, Callable[[str, str], Metric]]] = {
    "keyEvents": _key_events_of,
    "sessionKeyEventRate": _session_rate_of,
    "userKeyEventRate": _user_rate_of,
}
NO_CUSTOM: Final[Mapping[str, Metric]] = {}


def find_metric(name: str, expressions: Mapping[str, str], custom: Mapping[str, Metric] = NO_CUSTOM) -> Metric:
    """Looks a name up in the report, the registry and the property's rules. Raises ReportError for an unknown name and
    for an expression that cannot be read.
    """
    if name in expressions:
        return _calculate(name, expressions[name], custom)
    family, _, event = name.partition(":")
    metric = METRICS.get(name) or custom.get(name)
    if metric is None and event and family in OF_EVENT:
        metric = OF_EVENT[family](name, event)
    if metric is None:
        raise undefined("metric", name, custom) or unknown("metric", name, {**METRICS, **custom})
    return metric


def _calculate(name: str, expression: str, custom: Mapping[str, Metric]) -> Metric:
    if (name in METRICS or name in custom) and expression.strip() != name:
        raise ReportError(f"{name!r} is already a metric; give the expression another name.")
    used: dict[str, Metric] = {}

    def operand(operand_name: str) -> pl.Expr:
        metric = used[operand_name] = find_metric(operand_name, {}, custom)
        return metric.value.cast(pl.Float64)

    value = read(expression, operand)
    measures = without_repeats(measure for metric in used.values() for measure in metric.measures)
    finite = pl.when(value.is_finite()).then(value).otherwise(0.0)
    return Metric(name, name, "FLOAT", "Calculated", expression, measures, finite, expression, flags_show_zero=False)
