"""The kinds of reports, and how reports of any kind are run."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, Final, NamedTuple, overload

import msgspec
import orjson
import polars as pl

from processing.interruption import in_thread
from reporting.file_formats import FORMATS
from reporting.kinds.audiences import (
    ComparedAnswer,
    CountRows,
    PlannedReport,
    plan_report,
    render_compared,
    tabulate_compared,
)
from reporting.kinds.changes import CHANGES
from reporting.kinds.funnel import FUNNEL
from reporting.kinds.kind import ReportKind
from reporting.kinds.paths import PATHS
from reporting.kinds.pivot import PIVOT
from reporting.kinds.realtime import REALTIME
from reporting.kinds.rejected import REJECTED
from reporting.kinds.retention import RETENTION
from reporting.kinds.sessions import SESSIONS
from reporting.kinds.table import TABLE
from reporting.kinds.visitor import VISITOR
from reporting.model.audience import AudienceReport, read_audiences
from reporting.model.limits import DEFAULT_LIMITS, Limits
from reporting.model.now import Now
from reporting.model.report import Answer, Report, ReportError, unknown
from reporting.query.load import ReportSource, load
from reporting.registry.custom import definitions_of

_ALL: Final = (TABLE, PIVOT, CHANGES, REALTIME, SESSIONS, VISITOR, FUNNEL, PATHS, RETENTION, REJECTED)
KINDS: Final[dict[str, ReportKind[Any, Any, Any]]] = {kind.name: kind for kind in _ALL}
THREADS: Final = 2  # most of a small report runs on one core, so two reports at a time are quicker


def parse(body: object) -> Any:
    """Reads a request of our own API: JSON -> report. `kind` names its kind; a table without it. Raises ReportError."""
    if not isinstance(body, dict):
        return TABLE.parse(body)
    fields = dict(body)
    name, segment, comparisons = (
        fields.pop("kind", TABLE.name),
        fields.pop("segment", None),
        fields.pop("comparisons", None),
    )
    if not isinstance(name, str):
        raise ReportError("The kind of the report must be a text.")
    if name not in KINDS:
        raise unknown("kind of report", name, KINDS, advice=f"The kinds are: {', '.join(KINDS)}.")
    return read_audiences(KINDS[name].parse(fields), segment, comparisons)


def render(answer: object) -> Any:
    """Writes an answer as JSON of our own API."""
    if isinstance(answer, ComparedAnswer):
        return render_compared(answer, KINDS[answer.kind])
    return _kind_of_answer(answer).render(answer)


def tabulate(answer: object) -> pl.DataFrame:
    """Writes an answer as the rows of a file."""
    if isinstance(answer, ComparedAnswer):
        return tabulate_compared(answer, KINDS[answer.kind])
    return _kind_of_answer(answer).tabulate(answer)


def _kind_of_answer(answer: object) -> ReportKind[Any, Any, Any]:
    by_answer = {kind.answer: kind for kind in KINDS.values()}
    return by_answer[type(answer)]


def write_answer(answers: list[Any]) -> bytes:
    """Writes the answer of a single report as JSON of our own API."""
    return orjson.dumps(render(answers[0]))


def write_packed(answers: list[Any]) -> bytes:
    """Writes the one answer for `msgspec.msgpack.decode`, which needs its class."""
    return msgspec.msgpack.encode(answers[0])


def write_file(extension: str, answers: list[Any]) -> bytes:
    """Writes the one answer as a file."""
    rows = tabulate(answers[0])
    return b"".join(FORMATS[extension].write(rows.schema, [rows]))


@overload
def run(report: Report, view: ReportSource, now: Now) -> Answer: ...
@overload
def run(report: object, view: ReportSource, now: Now) -> Any: ...
def run(report: object, view: ReportSource, now: Now) -> Any:
    """Answers one report. Raises ReportError."""
    return run_many([report], view, now)[0]


@overload
def run_many(reports: Sequence[Report], view: ReportSource, now: Now) -> list[Answer]: ...
@overload
def run_many(reports: Sequence[object], view: ReportSource, now: Now) -> list[Any]: ...
def run_many(reports: Sequence[object], view: ReportSource, now: Now) -> list[Any]:
    """Answers several reports, which may be of different kinds, after one read of their days. Raises ReportError."""
    return plan_many(reports, view, now).run()


def no_rows(_first: date, _last: date) -> int:
    return 0


class Planned(NamedTuple):
    """Reports that can be answered: nothing is wrong with them, and nothing was read for them."""

    reports: list[PlannedReport]
    view: ReportSource

    def steps(self, count_events: CountRows, count_rejected: CountRows = no_rows) -> int:
        """Estimates the cost, see Limits. The functions say how many events or rejected hits some local days have."""
        return sum(report.steps(count_events, count_rejected) for report in self.reports)

    def run(self) -> list[Any]:
        """Answers all reports, in their order."""
        rows = load([plan for report in self.reports for plan in report.reads()], self.view)
        if len(self.reports) == 1:
            return [self.reports[0].run(rows)]
        answer = in_thread(lambda report: report.run(rows))
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(answer, self.reports))


def plan_many(reports: Sequence[object], view: ReportSource, now: Now, limits: Limits = DEFAULT_LIMITS) -> Planned:
    """Plans reports of one property. Raises ReportError."""
    definitions = definitions_of(view.rules)
    asked = [report if isinstance(report, AudienceReport) else AudienceReport(report) for report in reports]
    return Planned([plan_report(_kind_of(each.report), each, now, definitions, limits) for each in asked], view)


def _kind_of(report: object) -> ReportKind[Any, Any, Any]:
    by_report = {kind.report: kind for kind in KINDS.values()}
    return by_report[type(report)]
