"""Finds the tests that ask for the time, so that a run on a moved clock can leave out all others.

A test that never reads the tests' clock runs the same however that is moved. Each run notes which tests read it, in
pytest's cache; `--clock-readers` leaves out the files of which every test is known and none did. A whole file goes or
stays, since tests of a file may share what one of them made.
"""

from collections import defaultdict
from collections.abc import Generator
from typing import Final

import pytest

from tests.support import clock

NOTED: Final = "hitstream/reads_the_clock"  # by node id
PROPERTY: Final = ("reads the clock", True)

_reads: dict[str, bool] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--clock-readers", action="store_true", help="leave out files whose tests never ask for the time")


def pytest_report_header() -> str:
    return f"the tests' clock shows {clock.now():%A, %Y-%m-%d %H:%M} UTC ({clock.MOVED or 'not moved'})"


@pytest.hookimpl(trylast=True)  # after those that marks leave out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--clock-readers"):
        return
    noted, files = config.cache.get(NOTED, {}), defaultdict(list)
    for item in items:
        files[item.path].append(noted.get(item.nodeid, True))
    config.hook.pytest_deselected(items=[item for item in items if not any(files[item.path])])
    items[:] = [item for item in items if any(files[item.path])]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    clock.READ.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if clock.READ.is_set():
        report.user_properties.append(PROPERTY)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Where there are several processes, in the one that gathers the reports."""
    _reads[report.nodeid] = _reads.get(report.nodeid, False) or PROPERTY in map(tuple, report.user_properties)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.cache.set(NOTED, session.config.cache.get(NOTED, {}) | _reads)
