"""A check of rules that needs hits: rules that would exclude every hit are not published."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from configuration.checks.check import Finding, check
from configuration.ruleset.ruleset import BotRule, FilterRule, InternalRule, Ruleset, SpamRule
from processing.dry_run.preview import counts_anything
from reporting.capacity.turns import begin_heavy_work
from reporting.clock import today_in
from reporting.read_access import DAMAGED, UNREACHABLE, view_cache, view_of

DAYS: Final = 7
EXCLUDING: Final = (FilterRule, InternalRule, SpamRule, BotRule)
NOTHING_LEFT: Final = (
    f"These rules would count nothing: they exclude every hit of the last {DAYS} days. Look at them in the preview, and"
    " change or switch off the rule that excludes too much."
)
UNREADABLE: Final = "These rules could not be checked with recent hits: the stored data cannot be read at the moment."

logger = logging.getLogger(__name__)


def leaves_something(rules: Ruleset) -> Iterator[Finding]:
    """Finds an error if the rules exclude all hits of the last days, some of which are counted now.

    Rules that have other errors are not tried. If the stored data cannot be read, the finding is a warning.
    """
    if not rules.of_kind(*EXCLUDING) or any(finding.severity == "error" for finding in check(rules)):
        return
    try:
        view = view_of(rules.property)
        last = today_in(view.zone)
        first = last - timedelta(days=DAYS - 1)
        if view.events(first, last, ["position"]).is_empty():
            return
        begin_heavy_work()
        something_left = counts_anything(view_cache().store, view, rules, first, last)
    except DAMAGED + UNREACHABLE:
        logger.exception("The rules of property %d could not be checked with its hits", rules.property)
        yield Finding("filter", "", "rules", UNREADABLE, "warning")
        return
    if not something_left:
        yield Finding("filter", "", "rules", NOTHING_LEFT, "error")
