"""The examples of the registries: one event gives each dimension its own; those of metrics begin with a value."""

import re
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl
import pytest

from configuration.ruleset.ruleset import (
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    NamedGroup,
    Ruleset,
    Text,
)
from processing.pipeline.custom_values import encode_texts
from processing.pipeline.lookups.robots import CATEGORIES
from processing.schema import REASONS
from reporting.ga4.responses import as_text
from reporting.model.expressions import read
from reporting.registry.custom import definitions_of
from reporting.registry.dimensions import _CATEGORIES as DIMENSION_LISTS
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.dimensions.model import Dimension
from reporting.registry.metrics import _CATEGORIES as METRIC_LISTS
from reporting.registry.metrics import METRICS, find_metric
from reporting.registry.metrics.model import Metric
from reporting.registry.metrics.of_event import OF_EVENT
from reporting.registry.rejected import REJECTED_DIMENSIONS, REJECTED_METRICS

ZONE: Final = "Etc/UTC"
CAMPAIGN: Final = "term=garden%20seeds&content=top%20banner&id=autumn-26&platform=Google%20Ads&click=gclid"
INTERACTION: Final = {
    "link_url": "https://partner.example/files/seeds.pdf",
    "link_domain": "partner.example",
    "link_text": "All seeds",
    "link_id": "all-seeds",
    "link_classes": "button large",
    "outbound": "true",
    "file_name": "/files/seeds.pdf",
    "file_extension": "pdf",
    "percent_scrolled": "90",
    "search_term": "tomato seeds",
    "form_id": "subscribe",
    "form_name": "newsletter",
    "form_destination": "https://shop.example/subscribe",
    "video_title": "How to sow",
    "video_url": "https://video.example/how-to-sow",
    "video_provider": "youtube",
    "video_percent": "50",
    "method": "email",
}
EVENT: Final[dict[str, Any]] = {
    "day": (date(2026, 11, 30) - date(1970, 1, 1)).days,
    "time": int(datetime(2026, 11, 30, 14, 5, tzinfo=UTC).timestamp()) * 1000,
    "event": "page_view",
    "protocol": "ga4",
    "signed_in": True,
    "scheme": "https",
    "host": "shop.example",
    "path": "/shop/seeds",
    "query": "sort=price",
    "title": "Seeds for your garden",
    "referrer": "https://search.example/?q=seeds",
    "custom": "c:=Shop",
    "interaction": encode_texts(INTERACTION.items()),
    "landing_path": "/shop",
    "landing_query": "page=2",
    "exit_path": "/checkout",
    "session_visit_number": 3,
    "session_source": "google",
    "session_medium": "cpc",
    "session_campaign": "autumn sale",
    "session_channel": "Paid Search",
    "session_campaign_details": CAMPAIGN,
    "campaign_details": CAMPAIGN,
    "first_user_source": "newsletter",
    "first_user_medium": "email",
    "first_user_campaign": "welcome",
    "first_user_channel": "Email",
    "first_user_day": (date(2026, 10, 12) - date(1970, 1, 1)).days,
    "in_first_session": False,
    "country": "Germany",
    "region": "Bavaria",
    "city": "Munich",
    "device": "mobile",
    "browser": "Chrome",
    "browser_version": "131.0.0.0",
    "system": "Android",
    "system_version": "15",
    "brand": "Google",
    "model": "Pixel 9",
    "screen": "412x915",
    "viewport": "412x785",
    "language": "en-us",
    "vital": "LCP",
    "vital_value": 2_100_000_000,
    "error_message": "basket is not defined",
    "error_fatal": False,
    "transaction_id": "T-1042",
    "coupon": "AUTUMN10",
    "currency_code": "EUR",
    "item_id": "SKU-17",
    "item_name": "Tomato seeds",
    "item_brand": "Green Thumb",
    "item_category": "Garden",
    "item_category2": "Seeds",
    "item_category3": "Vegetables",
    "item_category4": "Tomatoes",
    "item_category5": "Cherry tomatoes",
    "item_variant": "red",
    "item_coupon": "SEEDS5",
    "item_affiliation": "Garden shop Munich",
    "item_list_id": "related",
    "item_list_name": "Related products",
    "item_list_position": "3",
    "item_promotion_id": "P-7",
    "item_promotion_name": "Autumn sale",
    "item_creative_name": "autumn banner",
    "item_creative_slot": "top",
    "item_location": "store-12",
    "reason": "bot",
    "rule": "Our office",
    "bot_name": "GPTBot",
    "bot_category": "AI crawler",
}
PARTS: Final = (NamedGroup("Garden", Text("path", "equals", "/")),)
DEFINED: Final = definitions_of(
    Ruleset(
        1,
        3,
        rules=(
            ChannelGroupRule(name="By team", channels=PARTS),
            ChannelGroupRule(name="Nothing yet", channels=()),
            ContentGroupRule(name="Section", groups=PARTS),
            ContentGroupRule(name="Empty", groups=()),
            CustomDimensionRule(name="Plan", parameter="plan"),
            CustomDimensionRule(name="User plan", parameter="plan", scope="user"),
            CustomMetricRule(name="Wait", parameter="wait", unit="seconds"),
        ),
    )
)
DIMENSION: Final = {**DIMENSIONS, **REJECTED_DIMENSIONS}
METRIC: Final = {
    **METRICS,
    **REJECTED_METRICS,
    **DEFINED.metrics,
    **{f"{family}:buy": find_metric(f"{family}:buy", {}) for family in OF_EVENT},
}


@pytest.mark.parametrize("dimension", DIMENSION.values(), ids=DIMENSION)
def test_it_works(dimension: Dimension) -> None:
    assert dimension.example
    assert dimension.texts_of(pl.DataFrame([EVENT]), ZONE).to_list() == [dimension.example]


@pytest.mark.parametrize("metric", METRIC.values(), ids=METRIC)
def test_the_example_of_a_metric_is_a_value_and_what_it_says(metric: Metric) -> None:
    value, _, meaning = metric.example.partition(": ")
    assert value == as_text(float(value))
    assert metric.type != "INTEGER" or value.isdecimal()
    assert "from 0 to 1" not in metric.definition or 0 < float(value) < 1
    assert 10 <= len(meaning) <= 80
    assert not meaning.endswith(".")


def test_examples_of_the_property_are_made_of_its_rules() -> None:
    assert {name: dimension.example for name, dimension in DEFINED.dimensions.items()} == {
        "sessionCustomChannelGroup:By team": "Garden",
        "sessionCustomChannelGroup:Nothing yet": "Unassigned",
        "firstUserCustomChannelGroup:By team": "Garden",
        "firstUserCustomChannelGroup:Nothing yet": "Unassigned",
        "contentGroup:Section": "Garden",
        "contentGroup:Empty": "(not set)",
        "contentGroup": "Garden",
        "customEvent:plan": "Plan 1",
        "customUser:plan": "User plan 1",
    }
    assert METRIC["customEvent:wait"].example == "12.5: the values of Wait add up to 12.5"
    assert METRIC["keyEvents:buy"].example == "3: three key events named buy"


def test_examples_of_rejected_hits_exist() -> None:
    assert REJECTED_DIMENSIONS["reason"].example in REASONS
    assert REJECTED_DIMENSIONS["botCategory"].example in CATEGORIES


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.expression])
def test_the_examples_of_metrics_tell_one_story(name: str) -> None:
    """sessionsPerUser is 1.5, so the examples of its parts are 120 sessions and 80 active users."""
    made = read(METRICS[name].expression, lambda part: pl.lit(value_of(METRICS[part])))
    assert pl.DataFrame({"row": [0]}).select(made).item() == value_of(METRICS[name])


def value_of(metric: Metric) -> float:
    return float(metric.example.partition(": ")[0])


def test_names_are_unique() -> None:
    assert len(DIMENSIONS) == sum(map(len, DIMENSION_LISTS))
    assert len(METRICS) == sum(map(len, METRIC_LISTS))
    assert not DIMENSION.keys() & METRICS.keys()


def test_examples_fit_into_a_cell_of_a_table() -> None:
    for example in (entry.example for entries in (DIMENSION, METRIC) for entry in entries.values()):
        assert not re.search(r"[|`\n]", example)
