"""The kind "funnel": how many visitors go through a sequence of steps, and where the others leave it."""

from typing import Final

import msgspec

from reporting.kinds.funnel.plan import FunnelPlan, plan_funnel
from reporting.kinds.funnel.report import FunnelAnswer, FunnelReport, tabulate_funnel
from reporting.kinds.funnel.run import run_funnel
from reporting.kinds.kind import ReportKind, parser_of

FUNNEL: Final[ReportKind[FunnelReport, FunnelPlan, FunnelAnswer]] = ReportKind(
    name="funnel",
    report=FunnelReport,
    answer=FunnelAnswer,
    parse=parser_of(FunnelReport),
    plan=plan_funnel,
    run=run_funnel,
    render=msgspec.to_builtins,
    tabulate=tabulate_funnel,
)
