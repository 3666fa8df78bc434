"""Plans a report on rejected hits: a table whose rows are hits that do not count."""

from functools import partial
from typing import Final

import msgspec

from processing.sessions.condensed import RowSource
from reporting.kinds.rejected.report import RejectedReport
from reporting.kinds.table.plan import TablePlan, plan_of
from reporting.model.date_ranges import resolve
from reporting.model.limits import Limits
from reporting.model.now import Now
from reporting.model.report import Report, check_shape
from reporting.query.fields import Names, resolve_names
from reporting.registry.custom import Definitions
from reporting.registry.rejected import REJECTED_DIMENSIONS, REJECTED_METRICS, find_rejected

NAMES: Final = Names(
    dimension=partial(find_rejected, "dimension", entries=REJECTED_DIMENSIONS),
    metric=partial(find_rejected, "metric", entries=REJECTED_METRICS),
    dimensions=REJECTED_DIMENSIONS,
    counts=RowSource.REJECTED,
)


def plan_rejected(report: RejectedReport, now: Now, _definitions: Definitions, limits: Limits) -> TablePlan:
    """Raises ReportError for everything that is wrong with the report."""
    table = Report(**msgspec.structs.asdict(report))
    check_shape(table)
    days = resolve(table.date_ranges, now.day)
    return plan_of(table, resolve_names(table, table.dimensions, days, NAMES, limits), limits)
