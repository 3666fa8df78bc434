"""Calls a function in another process, and returns the errors that are raised again in this one."""

from collections.abc import Callable
from typing import Any, Final

from configuration.ruleset.ruleset import UnreadableRuleset
from processing.segments.manifest import UnreadableManifest
from processing.store.port import CorruptBlob, Missing, StoreUnavailable
from reporting.model.report import ReportError

EXPECTED: Final = (ReportError, CorruptBlob, Missing, StoreUnavailable, UnreadableManifest, UnreadableRuleset)


def attempt(call: tuple[Callable[[Any], Any], Any]) -> Any:
    function, task = call
    try:
        return function(task)
    except EXPECTED as error:
        return error
