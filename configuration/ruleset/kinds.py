"""The kinds of rules, in the order and with the names that lists and pages use. Pure."""

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
    """Returns the tag of the rule's kind, such as "key event"."""
    return str(rule.__struct_config__.tag)


KINDS: Final = (
    Kind("filter", ruleset.FilterRule, "Filter", "Filters", "What is counted, and what is not."),
    Kind("rewrite", ruleset.RewriteRule, "Rewrite", "Rewrites", "Fixes or merges values before they are counted."),
    Kind("bot", ruleset.BotRule, "Bot rule", "Bot rules", "Robots that the lists miss, or block by mistake."),
    Kind("spam", ruleset.SpamRule, "Spam rule", "Spam rules", "Referrers that only advertise themselves in reports."),
    Kind(
        "internal",
        ruleset.InternalRule,
        "Internal traffic rule",
        "Internal traffic",
        "Visits from you and your colleagues.",
    ),
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
        "Groups traffic sources your way.",
    ),
    Kind("content group", ruleset.ContentGroupRule, "Content group", "Content groups", "Groups pages your way."),
    Kind("key event", ruleset.KeyEventRule, "Key event", "Key events", "Actions that you want visitors to take."),
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
