"""The kind "sessions": a list of sessions."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.sessions.plan import SessionsPlan, plan_sessions
from reporting.kinds.sessions.report import SessionsAnswer, SessionsReport, tabulate_sessions
from reporting.kinds.sessions.run import run_sessions

SESSIONS: Final[ReportKind[SessionsReport, SessionsPlan, SessionsAnswer]] = ReportKind(
    name="sessions",
    report=SessionsReport,
    answer=SessionsAnswer,
    parse=parser_of(SessionsReport),
    plan=plan_sessions,
    run=run_sessions,
    render=msgspec.to_builtins,
    tabulate=tabulate_sessions,
)
