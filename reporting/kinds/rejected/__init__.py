"""The kind "rejected": rejected hits by dimensions of theirs, over one to four date ranges."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.rejected.plan import plan_rejected
from reporting.kinds.rejected.report import RejectedAnswer, RejectedReport
from reporting.kinds.table.assemble import tabulate_table
from reporting.kinds.table.plan import TablePlan
from reporting.kinds.table.run import run_table
from reporting.query.load import LoadedRows


def run_rejected(plan: TablePlan, loaded: LoadedRows) -> RejectedAnswer:
    return RejectedAnswer(**msgspec.structs.asdict(run_table(plan, loaded)))


REJECTED: Final[ReportKind[RejectedReport, TablePlan, RejectedAnswer]] = ReportKind(
    name="rejected",
    report=RejectedReport,
    answer=RejectedAnswer,
    parse=parser_of(RejectedReport),
    plan=plan_rejected,
    run=run_rejected,
    render=msgspec.to_builtins,
    tabulate=tabulate_table,
)
