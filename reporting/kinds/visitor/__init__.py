"""The kind "visitor": the events of one visitor, in order."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.visitor.plan import VisitorPlan, plan_visitor
from reporting.kinds.visitor.report import VisitorAnswer, VisitorReport, tabulate_visitor
from reporting.kinds.visitor.run import run_visitor

VISITOR: Final[ReportKind[VisitorReport, VisitorPlan, VisitorAnswer]] = ReportKind(
    name="visitor",
    report=VisitorReport,
    answer=VisitorAnswer,
    parse=parser_of(VisitorReport),
    plan=plan_visitor,
    run=run_visitor,
    render=msgspec.to_builtins,
    tabulate=tabulate_visitor,
)
