"""Rebuilds in tests: the steps of a run, one after the other, in this process."""

from collections.abc import Callable

from configuration.ruleset.ruleset import Ruleset, encode_ruleset, ruleset_name
from processing.models import HistoryRun
from processing.reprocessing.generations import catch_up, open_draft, swap
from processing.reprocessing.rebuild import LocalDays, add_rebuilt_days, finish_draft, rebuild_days, start
from processing.reprocessing.runs import ordinals
from processing.store.port import Store
from tests.support.installation import Installation


def nothing_happens() -> None:
    pass


def keep(store: Store, rules: Ruleset) -> Ruleset:
    """Puts a ruleset where a context or a base may name it."""
    store.put_context(ruleset_name(rules.property, rules.number), encode_ruleset(rules))
    return rules


def rebuild(
    here: Installation, rules: Ruleset, days: LocalDays | None = None, between: Callable[[], None] = nothing_happens
) -> int:
    """Applies rules to history; `between` is called after each step. Returns the old generation."""
    store, property = here.store, rules.property
    run = HistoryRun.objects.create(property=property, rules=rules.number, state="running")
    draft, tasks = start(store, f"sqlite://{here.folder}/store", property, keep(store, rules), days)
    for number, task in reversed(list(enumerate(tasks))):
        draft = add_rebuilt_days(store, property, draft, number, rebuild_days(task))
        between()
    finish_draft(store, property, draft, days)
    between()
    catch_up(store, property, open_draft(store, property, draft.generation), ordinals())
    between()
    old = swap(store, property, draft.generation, ordinals())
    run.delete()
    return old
