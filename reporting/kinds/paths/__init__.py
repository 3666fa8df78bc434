"""The kind "paths": the ways that sessions take from a point, or to one."""

from typing import Final

import msgspec

from reporting.kinds.kind import ReportKind, parser_of
from reporting.kinds.paths.plan import PathPlan, plan_paths
from reporting.kinds.paths.report import PathAnswer, PathReport, tabulate_paths
from reporting.kinds.paths.run import run_paths

PATHS: Final[ReportKind[PathReport, PathPlan, PathAnswer]] = ReportKind(
    name="paths",
    report=PathReport,
    answer=PathAnswer,
    parse=parser_of(PathReport),
    plan=plan_paths,
    run=run_paths,
    render=msgspec.to_builtins,
    tabulate=tabulate_paths,
)
