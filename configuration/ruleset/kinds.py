"""The kinds of rules in the order of every list, in the words of every page. Pure."""

from typing import Final, NamedTuple

from configuration.ruleset import ruleset
from configuration.ruleset.ruleset import Rule


class Kind(NamedTuple):
    tag: str
    rule: type[Rule]
    one: str
    many: str
    about: str


def kind_of(rule: Rule) -> str:
    """Its tag, such as "key event"."""
    return str(rule.__struct_config__.tag)


KINDS: Final = (
    Kind("filter", ruleset.FilterRule, "Filter", "Filters", "What is counted, and what is not."),
    Kind("rewrite", ruleset.RewriteRule, "Rewrite", "Rewrites", "Changes a field before anything else looks at it."),
    Kind("bot", ruleset.BotRule, "Bot rule", "Bot rules", "Robots that the lists do not know, or know wrongly."),
    Kind("spam", ruleset.SpamRule, "Spam rule", "Spam rules", "Referrers that only want to be seen in reports."),
    Kind("internal", ruleset.InternalRule, "Internal traffic rule", "Internal traffic", "Hits of your own people."),
    Kind(
        "referral exclusion",
        ruleset.ReferralRule,
        "Referral exclusion",
        "Referral exclusions",
        "Sites that visitors come back from, such as payment pages.",
    ),
    Kind(
        "channel group",
        ruleset.ChannelGroupRule,
        "Channel group",
        "Channel groups",
        "Where sessions come from, in your own words.",
    ),
    Kind("content group", ruleset.ContentGroupRule, "Content group", "Content groups", "Pages, in your own words."),
    Kind("key event", ruleset.KeyEventRule, "Key event", "Key events", "Events that are an aim of the site."),
    Kind(
        "custom dimension",
        ruleset.CustomDimensionRule,
        "Custom dimension",
        "Custom dimensions",
        "Parameters of your own events, to group by.",
    ),
    Kind(
        "custom metric",
        ruleset.CustomMetricRule,
        "Custom metric",
        "Custom metrics",
        "Parameters of your own events, to add up.",
    ),
)
BY_TAG: Final = {kind.tag: kind for kind in KINDS}
ORDER: Final = {kind.tag: place for place, kind in enumerate(KINDS)}
