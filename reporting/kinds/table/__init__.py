"""The kind "table": dimensions by metrics over one to four date ranges."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind
from reporting.kinds.table.assemble import tabulate_table
from reporting.kinds.table.plan import TablePlan, plan_table
from reporting.kinds.table.run import run_table
from reporting.model.report import Answer, Report, ReportError


def parse_table(body: object) -> Report:
    try:
        return msgspec.convert(body, Report)
    except msgspec.ValidationError as error:
        raise ReportError(str(error)) from error


TABLE: Final[ReportKind[Report, TablePlan, Answer]] = ReportKind(
    name="table",
    report=Report,
    answer=Answer,
    parse=parse_table,
    plan=plan_table,
    run=run_table,
    render=msgspec.to_builtins,
    tabulate=tabulate_table,
)
