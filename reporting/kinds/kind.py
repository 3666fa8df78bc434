"""What makes a kind of report: its request, how it is planned, counted, read from JSON, and written as
JSON or as a table.

    body --parse--> report --plan--> plan --load--> rows --run--> answer --render--> JSON

Kinds share the loading (reporting/query/load.py), so that one page may show several kinds after one read of its days.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import polars as pl

from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import ReportError
from reporting.query.load import LoadedRows, Plan
from reporting.registry.custom import Definitions

R = TypeVar("R")
P = TypeVar("P", bound=Plan)
A = TypeVar("A")


@dataclass(frozen=True)
class ReportKind(Generic[R, P, A]):
    """`report` and `answer` are the classes of this kind's requests and answers; no two kinds share one."""

    name: str  # as our own API's requests call it
    report: type[R]
    answer: type[A]
    parse: Callable[[object], R]  # JSON of our own API -> report; raises ReportError
    plan: Callable[[R, Now, Definitions, Limits], P]  # reads no data; raises ReportError
    run: Callable[[P, LoadedRows], A]  # pure: may run beside others in a thread
    render: Callable[[A], Any]  # answer -> JSON of our own API
    tabulate: Callable[[A], pl.DataFrame]  # answer -> the rows of a file, with plain names and types
    # Answers several comparisons in one: (name, rows) each. Without it, each comparison has an answer of its own.
    compare: Callable[[P, Sequence[tuple[str, LoadedRows]]], A] | None = None


def parser_of(report: type[R]) -> Callable[[object], R]:
    """Returns the `parse` of a kind whose requests are JSON of this class, a msgspec.Struct."""

    def parse(body: object) -> R:
        try:
            return msgspec.convert(body, report)
        except msgspec.ValidationError as error:
            raise ReportError(str(error)) from error

    return parse
