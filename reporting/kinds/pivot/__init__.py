"""The kind "pivot": metrics by the values of two or more groups of dimensions, such as rows and columns."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.pivot.plan import PivotPlan, plan_pivot
from reporting.kinds.pivot.report import PivotAnswer, PivotReport
from reporting.kinds.pivot.run import run_pivot
from reporting.query.answer_rows import tabulate_rows

PIVOT: Final[ReportKind[PivotReport, PivotPlan, PivotAnswer]] = ReportKind(
    name="pivot",
    report=PivotReport,
    answer=PivotAnswer,
    parse=parser_of(PivotReport),
    plan=plan_pivot,
    run=run_pivot,
    render=msgspec.to_builtins,
    tabulate=lambda answer: tabulate_rows(answer.dimensions, answer.metrics, answer.rows),
)
