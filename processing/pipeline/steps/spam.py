"""Rejects visits that were only made so that someone looks at their referrer in the reports."""

from functools import cache

import polars as pl

from configuration.ruleset.domain_names import comparable_domain
from configuration.ruleset.ruleset import Ruleset, SpamRule
from processing.pipeline.conditions.matcher import Matcher
from processing.pipeline.lookups.domains import domains_above, find_listed_domain
from processing.pipeline.lookups.lists import rows
from processing.pipeline.row_ops import reject_by_rule


def spam(frame: pl.DataFrame, rules: Ruleset) -> pl.DataFrame:
    """Rejects hits whose referrer is, or lies below, a domain of a rule or of the list. The list has no rule name. If
    several rules list the referrer, the first is named.
    """
    own: list[SpamRule] = rules.of_kind(SpamRule)
    known = _domains() if rules.settings.spam_list else frozenset[str]()
    if not own and not known:
        return frame
    placed = [(domain, number) for number, rule in reversed(list(enumerate(own))) for domain in rule.domains]
    numbers = {comparable_domain(domain): number for domain, number in placed}

    def find(host: str) -> int | None:
        if listed := [numbers[domain] for domain in domains_above(host) if domain in numbers]:
            return min(listed)
        return len(own) if find_listed_domain(host, known) else None

    hosts = Matcher(frame).column("referrer_host")
    numbers_by_host = pl.Series([find(host) for host in hosts.values], dtype=pl.UInt32)
    return reject_by_rule(frame, "spam", hosts.rows(numbers_by_host), [*(rule.name for rule in own), None])


@cache
def _domains() -> frozenset[str]:
    return frozenset(domain for (domain,) in rows("referrer_spam"))
