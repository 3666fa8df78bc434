"""Visits that were only made so that somebody looks at the referrer in the reports."""

from functools import cache

import polars as pl

from configuration.ruleset.ruleset import Ruleset, SpamRule
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.lookups.domains import listed
from processing.pipeline.lookups.lists import rows
from processing.pipeline.row_ops import refuse_by_rule


def spam(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Refuses hits whose referrer is, or lies below, a domain of a rule or of the list. The list has no name."""
    own: list[SpamRule] = rules.of_kind(SpamRule)
    known = _domains() if rules.settings.spam_list else frozenset[str]()
    if not own and not known:
        return frame
    numbers = {domain: number for number, rule in reversed(list(enumerate(own))) for domain in rule.domains}

    def find(host: str) -> int | None:
        if domain := listed(host, numbers):
            return numbers[domain]
        return len(own) if listed(host, known) else None

    hosts = Matcher(frame).column("referrer_host")
    found = pl.Series([find(host) for host in hosts.values], dtype=pl.UInt32)
    return refuse_by_rule(frame, "spam", hosts.rows(found), [*(rule.name for rule in own), None])


@cache
def _domains() -> frozenset[str]:
    return frozenset(domain for (domain,) in rows("referrer_spam"))
