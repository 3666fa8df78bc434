"""Makes dimensions and metrics of a property's rules, in addition to those that every property has."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from configuration.ruleset.ruleset import (
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    Ruleset,
    Unit,
)
from processing.pipeline.custom_values import EVENT, GROUP, METRIC, USER, extract, number
from reporting.registry.dimensions.model import NOT_SET, Dimension, decoded
from reporting.registry.dimensions.page import CONTENT_GROUP
from reporting.registry.metrics.model import Metric, MetricType, summed

CHANNEL_GROUP: Final = "sessionCustomChannelGroup"
FIRST_CHANNEL_GROUP: Final = "firstUserCustomChannelGroup"
CUSTOM_EVENT: Final = "customEvent"
CUSTOM_USER: Final = "customUser"
TYPES: Final[dict[Unit, MetricType]] = {"standard": "FLOAT", "currency": "CURRENCY", "seconds": "SECONDS"}


class Definitions(NamedTuple):
    """The property's own dimensions and metrics, by the names that reports use, such as customEvent:plan."""

    dimensions: Mapping[str, Dimension] = {}
    metrics: Mapping[str, Metric] = {}


NO_DEFINITIONS: Final = Definitions()


@lru_cache(256)
def definitions_of(rules: Ruleset | None) -> Definitions:
    """Returns what the rules that are on define."""
    if rules is None:
        return NO_DEFINITIONS
    groups: list[ContentGroupRule] = rules.of_kind(ContentGroupRule)
    dimensions = [
        *(_channel_group(rule) for rule in rules.of_kind(ChannelGroupRule)),
        *(_first_channel_group(rule) for rule in rules.of_kind(ChannelGroupRule)),
        *(_content_group(f"{CONTENT_GROUP}:{rule.name}", rule) for rule in groups),
        *(_content_group(CONTENT_GROUP, rule) for rule in groups[:1]),
        *(_parameter(rule) for rule in rules.of_kind(CustomDimensionRule)),
    ]
    metrics = [_sum(rule) for rule in rules.of_kind(CustomMetricRule)]
    return Definitions(
        {dimension.name: dimension for dimension in dimensions}, {metric.name: metric for metric in metrics}
    )


def _channel_group(rule: ChannelGroupRule) -> Dimension:
    return decoded(
        f"{CHANNEL_GROUP}:{rule.name}",
        rule.name,
        "Traffic source",
        f"The channel of the session's first event in the channel group {rule.name}.",
        column="session_groups",
        key=rule.name,
        example=rule.channels[0].name if rule.channels else rule.otherwise,
    )


def _first_channel_group(rule: ChannelGroupRule) -> Dimension:
    return decoded(
        f"{FIRST_CHANNEL_GROUP}:{rule.name}",
        f"First user: {rule.name}",
        "First user",
        f"The channel of the visitor's first session in the channel group {rule.name}.",
        column="first_user_groups",
        key=rule.name,
        example=rule.channels[0].name if rule.channels else rule.otherwise,
    )


def _content_group(name: str, rule: ContentGroupRule) -> Dimension:
    meaning = f"The event's group in the content group {rule.name}."
    example = rule.groups[0].name if rule.groups else rule.otherwise or NOT_SET
    return decoded(name, rule.name, "Page", meaning, column="custom", key=GROUP + rule.name, example=example)


def _parameter(rule: CustomDimensionRule) -> Dimension:
    if rule.scope == "user":
        family, key, source = CUSTOM_USER, USER + rule.parameter, "user property"
    else:
        family, key, source = CUSTOM_EVENT, EVENT + rule.parameter, "event parameter"
    meaning = f"The {source} {rule.parameter}, as the event carries it."
    return decoded(
        f"{family}:{rule.parameter}", rule.name, "Custom", meaning, column="custom", key=key, example=f"{rule.name} 1"
    )


def _sum(rule: CustomMetricRule) -> Metric:
    meaning = f"The sum of the event parameter {rule.parameter}."
    value = number(extract("custom", METRIC + rule.parameter))
    name = f"{CUSTOM_EVENT}:{rule.parameter}"
    example = f"12.5: the values of {rule.name} add up to 12.5"
    return summed(name, rule.name, TYPES[rule.unit], meaning, columns=("custom",), value=value, example=example)
