"""A check of rules that only hits can tell: rules that leave nothing over are not published."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from configuration.checks.check import Finding, check
from configuration.ruleset.ruleset import BotRule, FilterRule, InternalRule, Ruleset, SpamRule
from processing.dry_run.preview import counts_anything
from reporting.clock import today_in
from reporting.read_access import DAMAGED, UNREACHABLE, view_cache, view_of

DAYS: Final = 7
REFUSING: Final = (FilterRule, InternalRule, SpamRule, BotRule)
NOTHING_LEFT: Final = (
    f"These rules would count nothing: they exclude every hit of the last {DAYS} days. Look at them in the preview, and"
    " change or switch off the one that excludes too much."
)
UNREADABLE: Final = (
    "Whether these rules leave anything over could not be checked: what is stored cannot be read just now."
)

logger = logging.getLogger(__name__)


def leaves_something(rules: Ruleset) -> Iterator[Finding]:
    """An error where the rules exclude all hits of the last days, of which some are counted now. Rules that are wrong
    in themselves are not tried.
    """
    if not rules.of_kind(*REFUSING) or any(finding.severity == "error" for finding in check(rules)):
        return
    try:
        found = _leaves_nothing(rules)
    except DAMAGED + UNREACHABLE:
        logger.exception("the rules of property %d could not be checked with its hits", rules.property)
        yield Finding("filter", "", "rules", UNREADABLE, "warning")
        return
    if found:
        yield Finding("filter", "", "rules", NOTHING_LEFT, "error")


def _leaves_nothing(rules: Ruleset) -> bool:
    view = view_of(rules.property)
    last = today_in(view.zone)
    first = last - timedelta(days=DAYS - 1)
    if view.events(first, last, ["position"]).is_empty():
        return False
    return not counts_anything(view_cache().store, view, rules, first, last)
