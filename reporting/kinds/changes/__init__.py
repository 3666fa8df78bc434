"""The kind "changes": metrics of the values of a dimension in two periods: what grew, shrank, came and went."""

from typing import Final

import msgspec

from reporting.kinds.changes.plan import ChangesPlan, plan_changes
from reporting.kinds.changes.report import ChangesAnswer, ChangesReport, tabulate_changes
from reporting.kinds.changes.run import run_changes
from reporting.kinds.kind import ReportKind, parser_of

CHANGES: Final[ReportKind[ChangesReport, ChangesPlan, ChangesAnswer]] = ReportKind(
    name="changes",
    report=ChangesReport,
    answer=ChangesAnswer,
    parse=parser_of(ChangesReport),
    plan=plan_changes,
    run=run_changes,
    render=msgspec.to_builtins,
    tabulate=tabulate_changes,
)
