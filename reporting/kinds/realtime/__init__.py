"""The kind "realtime": metrics by dimensions over the last 30 minutes."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.realtime.plan import RealtimePlan, plan_realtime
from reporting.kinds.realtime.report import RealtimeAnswer, RealtimeReport
from reporting.kinds.realtime.run import run_realtime
from reporting.query.answer_rows import tabulate_rows

REALTIME: Final[ReportKind[RealtimeReport, RealtimePlan, RealtimeAnswer]] = ReportKind(
    name="realtime",
    report=RealtimeReport,
    answer=RealtimeAnswer,
    parse=parser_of(RealtimeReport),
    plan=plan_realtime,
    run=run_realtime,
    render=msgspec.to_builtins,
    tabulate=lambda answer: tabulate_rows(answer.dimensions, answer.metrics, answer.rows),
)
