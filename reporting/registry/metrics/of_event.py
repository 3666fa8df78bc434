"""Metrics of the events of one name, such as keyEvents:purchase."""

from collections.abc import Callable, Mapping
from typing import Final

from reporting.registry.measures import SESSIONS, VISITORS, key_events_named, key_sessions_with, key_visitors_with
from reporting.registry.metrics.model import Metric, count, rate


def _key_events_of(name: str, event: str) -> Metric:
    return count(
        name=name,
        label=f"Key events: {event}",
        category="Event",
        definition=f"Key events that are named {event}.",
        example=f"3: three key events named {event}",
        measure=key_events_named(event),
    )


def _session_rate_of(name: str, event: str) -> Metric:
    definition = f"Distinct sessions with the key event {event} in the row as a share of all sessions of the row."
    example = f"0.1: one of ten sessions had the key event {event}"
    label = f"Session key event rate: {event}"
    return rate(name, label, "Session", definition, key_sessions_with(event), SESSIONS, example=example)


def _user_rate_of(name: str, event: str) -> Metric:
    definition = f"Distinct visitors with the key event {event} in the row as a share of all visitors of the row."
    example = f"0.1: one of ten visitors had the key event {event}"
    label = f"User key event rate: {event}"
    return rate(name, label, "User", definition, key_visitors_with(event), VISITORS, example=example)


# "keyEvents:purchase" -> the metric of this name, for the event purchase.
OF_EVENT: Final[Mapping[str, Callable[[str, str], Metric]]] = {
    "keyEvents": _key_events_of,
    "sessionKeyEventRate": _session_rate_of,
    "userKeyEventRate": _user_rate_of,
}
