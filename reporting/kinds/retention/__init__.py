"""The kind "retention": how many of the visitors who came first in a period come again in later ones."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.retention.plan import RetentionPlan, plan_retention
from reporting.kinds.retention.report import RetentionAnswer, RetentionReport, tabulate_retention
from reporting.kinds.retention.run import run_retention

RETENTION: Final[ReportKind[RetentionReport, RetentionPlan, RetentionAnswer]] = ReportKind(
    name="retention",
    report=RetentionReport,
    answer=RetentionAnswer,
    parse=parser_of(RetentionReport),
    plan=plan_retention,
    run=run_retention,
    render=msgspec.to_builtins,
    tabulate=tabulate_retention,
)
