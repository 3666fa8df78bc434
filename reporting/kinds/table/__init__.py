"""The kind "table": dimensions by metrics over one to four date ranges."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.table.assemble import tabulate_table
from reporting.kinds.table.plan import TablePlan, plan_table
from reporting.kinds.table.run import compare_tables, run_table
from reporting.model.report import Answer, Report

TABLE: Final[ReportKind[Report, TablePlan, Answer]] = ReportKind(
    name="table",
    report=Report,
    answer=Answer,
    parse=parser_of(Report),
    plan=plan_table,
    run=run_table,
    render=msgspec.to_builtins,
    tabulate=tabulate_table,
    compare=compare_tables,
)
