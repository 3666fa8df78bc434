"""A rule of each kind that makes sense, and how it is said."""

from typing import Final

from configuration.ruleset.ruleset import (
    AllOf,
    BotRule,
    ChannelGroupRule,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InNetwork,
    InternalRule,
    KeyEventRule,
    NamedGroup,
    OneOf,
    ReferralRule,
    RewriteRule,
    Rule,
    SpamRule,
    Text,
)

SHOP: Final = Text("path", "begins", "/shop")
EXAMPLES: Final[dict[str, tuple[Rule, str]]] = {
    "filter": (
        FilterRule(name="Office", action="exclude", when=AllOf((InNetwork(("192.0.2.0/24",)), SHOP))),
        "Do not count hits where the address is in 192.0.2.0/24 and page path begins with “/shop”.",
    ),
    "rewrite": (
        RewriteRule(name="Small", field="path", change="lower_case"),
        "Write page path in small letters.",
    ),
    "bot": (
        BotRule(name="Checker", action="block", user_agent="checker"),
        "Who sends hits whose user agent contains “checker” is a robot.",
    ),
    "spam": (
        SpamRule(name="Spam", domains=("spam.example", "more.example")),
        "Do not count hits that name spam.example or more.example as referrer.",
    ),
    "internal": (
        InternalRule(name="Us", networks=("198.51.100.0/24",), traffic_type="internal"),
        "Do not count hits that come from 198.51.100.0/24 or whose traffic_type is “internal”: they are our own.",
    ),
    "referral exclusion": (
        ReferralRule(name="Payment", domains=("pay.example",)),
        "Visits that come from pay.example are no referrals.",
    ),
    "channel group": (
        ChannelGroupRule(name="Ours", channels=(NamedGroup("News", OneOf("source", ("news", "letter"))),)),
        "Sorts sessions into “News”, all others into “Unassigned”.",
    ),
    "content group": (
        ContentGroupRule(
            name="Area", groups=(NamedGroup("Shop", SHOP), NamedGroup("Help", Text("path", "begins", "/help")))
        ),
        "Sorts pages into “Shop” and “Help”, all others into “(not set)”.",
    ),
    "key event": (
        KeyEventRule(name="Buy", event="purchase", when=SHOP, once="session", value="5", value_parameter="value"),
        "“purchase” is a key event where page path begins with “/shop”, the first of a session only, worth its"
        " parameter “value”, else 5.",
    ),
    "custom dimension": (
        CustomDimensionRule(name="Colour", parameter="colour"),
        "Reports can group by the event's parameter “colour”.",
    ),
    "custom metric": (
        CustomMetricRule(name="Length", parameter="length", unit="seconds"),
        "Reports can add up the event's parameter “length”, as seconds.",
    ),
}
