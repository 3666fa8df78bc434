"""Random rules of every kind for tests, with conditions that hold of some of the hits of random_hits.py."""

import random
import re
from typing import Any, Final

import msgspec

from configuration.ruleset.ruleset import (
    AllOf,
    AnyOf,
    BotRule,
    ChannelGroupRule,
    Condition,
    ContentGroupRule,
    CustomDimensionRule,
    CustomMetricRule,
    FilterRule,
    InNetwork,
    InternalRule,
    KeyEventRule,
    NamedGroup,
    OneOf,
    PropertySettings,
    ReferralRule,
    RewriteRule,
    Rule,
    Ruleset,
    SpamRule,
    Text,
)

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "event": ("page_view", "scroll", "first_visit", "screen_view"),
    "path": ("/", "/a", "/B"),
    "host": ("shop.example",),
    "source": ("google", "letter", "(direct)", "news.example"),
    "country": ("Germany", "France", ""),
    "device": ("desktop", "mobile"),
    "browser": ("Chrome", "Safari"),
}
NETWORKS: Final = ("192.0.2.0/24", "198.51.100.0/24")


def random_ruleset(rnd: random.Random, property: int, number: int, settings: PropertySettings) -> Ruleset:
    """Up to eight rules, and settings that may differ from `settings` in limits and lists."""
    changed = msgspec.structs.replace(
        settings,
        session_timeout_s=rnd.choice([settings.session_timeout_s, 300, 28_500]),
        engaged_s=rnd.choice([10, 10, 1, 3_600]),
        bot_lists=rnd.random() < 0.8,
    )
    rules = tuple(rnd.choice(KINDS)(rnd, str(n)) for n in range(rnd.randrange(9)))
    return Ruleset(property, number, changed, tuple(_with_slots(rules)))


def _with_slots(rules: tuple[Rule, ...]) -> list[Rule]:
    return [
        msgspec.structs.replace(rule, slot=slot) if isinstance(rule, KeyEventRule) and rule.once == "session" else rule
        for slot, rule in enumerate(rules)
    ]


def condition(rnd: random.Random, depth: int = 0) -> Condition:
    kind = rnd.random()
    if depth < 2 and kind < 0.25:
        parts = tuple(condition(rnd, depth + 1) for _ in range(rnd.randrange(1, 4)))
        negated = rnd.random() < 0.2
        return AllOf(parts, negated) if rnd.random() < 0.5 else AnyOf(parts, negated)
    if kind < 0.35:
        return InNetwork((rnd.choice(NETWORKS),), negated=rnd.random() < 0.2)
    field = rnd.choice(list(VALUES))
    values = VALUES[field]
    if kind < 0.5:
        return OneOf(field, tuple(rnd.sample(values, rnd.randrange(1, len(values) + 1))), negated=rnd.random() < 0.2)
    test: Any = rnd.choice(["equals", "contains", "begins", "ends", "pattern"])
    value = rnd.choice(values)
    return Text(field, test, re.escape(value) if test == "pattern" else value, negated=rnd.random() < 0.2)


def _state(rnd: random.Random) -> Any:
    return rnd.choice(["on", "on", "on", "off", "testing"])


def _filter(rnd: random.Random, name: str) -> Rule:
    action: Any = rnd.choice(["exclude", "exclude", "include"])
    return FilterRule(name=name, state=_state(rnd), action=action, when=condition(rnd))


def _rewrite(rnd: random.Random, name: str) -> Rule:
    field = rnd.choice(["path", "event", "source", "host"])
    when = condition(rnd) if rnd.random() < 0.5 else None
    if rnd.random() < 0.4:
        return RewriteRule(name=name, state=_state(rnd), field=field, change="lower_case", when=when)
    search, new = rnd.choice(VALUES[field]), rnd.choice(VALUES[field])
    return RewriteRule(
        name=name, state=_state(rnd), field=field, change="replace", search=search, replacement=new, when=when
    )


def _bot(rnd: random.Random, name: str) -> Rule:
    action: Any = rnd.choice(["block", "allow"])
    return BotRule(
        name=name, state=_state(rnd), action=action, user_agent=rnd.choice(["Googlebot", "iPhone", "Windows"])
    )


def _key_event(rnd: random.Random, name: str) -> Rule:
    once: Any = rnd.choice(["event", "session"])
    when = condition(rnd) if rnd.random() < 0.5 else None
    value = rnd.choice(["", "2.5", "100"])
    return KeyEventRule(name=name, event=rnd.choice(VALUES["event"]), once=once, when=when, value=value)


def _parts(rnd: random.Random) -> tuple[NamedGroup, ...]:
    return tuple(NamedGroup(f"Group {n}", condition(rnd)) for n in range(rnd.randrange(1, 4)))


KINDS: Final = (
    _filter,
    _rewrite,
    _bot,
    _key_event,
    _key_event,
    lambda rnd, name: SpamRule(name=name, state=_state(rnd), domains=("news.example",)),
    lambda rnd, name: InternalRule(name=name, state=_state(rnd), networks=(rnd.choice(NETWORKS),)),
    lambda rnd, name: ReferralRule(name=name, state=_state(rnd), domains=("google.com",)),
    lambda rnd, name: ChannelGroupRule(name=name, channels=_parts(rnd)),
    lambda rnd, name: ContentGroupRule(name=name, groups=_parts(rnd)),
    lambda _, name: CustomDimensionRule(name=name, parameter=f"plan{name}"),
    lambda _, name: CustomMetricRule(name=name, parameter=f"price{name}"),
)
