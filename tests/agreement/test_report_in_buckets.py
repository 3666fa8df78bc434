"""A report as a map over buckets of visitors and a sum is the report in place, whatever it asks for."""

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from collection.hit import RawHit
from configuration.ruleset.ruleset import CustomMetricRule, encode_ruleset, plain_ruleset, ruleset_name
from processing.engine import Engine, open_engine
from processing.pipeline.custom_values import LARGEST
from processing.segments import folding
from reporting.kinds import run
from reporting.kinds.table.bucketed import run_in_buckets
from reporting.model.audience import Audience, AudienceReport, Compared, Events
from reporting.model.now import Now
from reporting.model.report import (
    And,
    ByDimension,
    ByMetric,
    DateRange,
    Not,
    NumericFilter,
    Report,
    ReportError,
    StringFilter,
)
from tests.support.every_name import NAMES, every_name
from tests.support.installation import Installation, ga4
from tests.support.prepared import Prepared
from tests.support.random_interactions import PAGES, SAID_MORE
from tests.unit.processing.maintenance.test_compaction import BERLIN, DAY, SUMMER_ENDS, random_hits

pytestmark = pytest.mark.django_db

TODAY: Final = date(2026, 12, 1)
NOW: Final = Now.at_end_of(TODAY, "Etc/UTC")
EVER: Final = DateRange("2026-01-01", "today", "ever")
SOME: Final = DateRange("2026-10-23", "2026-10-26", "some")
ALL: Final = frozenset({"TOTAL", "MINIMUM", "MAXIMUM"})
RULES: Final = msgspec.structs.replace(
    plain_ruleset(BERLIN), number=1, rules=(CustomMetricRule(name="Score", parameter="score"),)
)
OFTEN: Final = NumericFilter("sessions", "GREATER_THAN", 2)


def reports() -> Iterator[Report | AudienceReport]:
    for by, some in every_name():
        yield asked(dimensions=by, metrics=some)
    yield asked(metrics=NAMES[:9])
    yield asked(dimensions=("pagePath", "date"), metrics=("sessions", "totalUsers"), date_ranges=(EVER, SOME))
    yield asked(dimensions=("pagePath", "dateRange"), metrics=("activeUsers",), date_ranges=(EVER, SOME))
    yield asked(dimensions=("date",), metrics=("activeUsers", "customEvent:score"))
    yield asked(metrics=("customEvent:score",))
    yield asked(metrics=("rate",), expressions={"rate": "keyEvents / sessions + 1"})
    yield asked(dimensions=("sessionSource", "hour"), metrics=("eventCount",), limit=5, offset=3)
    yield asked(dimensions=("country",))
    yield from filtered()
    yield from on_audiences()


def on_audiences() -> Iterator[AudienceReport]:
    """Visitors and sessions are in one bucket, so that each bucket knows who is in a segment."""
    often = Audience("user", Events(metric="sessions", value=1))
    viewed = Audience("session", exclude=Events(StringFilter("pagePath", "/")))
    events = Audience("event", Events(StringFilter("eventName", "page_view")))
    compared = (Compared("all"), Compared("often", often), Compared("viewed", viewed))
    report = asked(
        dimensions=("hour",), metrics=("totalUsers", "sessions"), metric_filter=OFTEN, date_ranges=(EVER, SOME)
    )
    yield AudienceReport(report, events, compared)
    yield AudienceReport(asked(metrics=("totalUsers", "eventCount")), often)


def filtered() -> Iterator[Report]:
    """The totals of a metric filter are over the visitors of the rows that are left."""
    users = ("totalUsers", "sessions", "averageSessionDuration")
    no_page = And((Not(StringFilter("eventName", "page_view")), StringFilter("pagePath", "/", "BEGINS_WITH")))
    yield asked(dimensions=("hour",), metrics=users, metric_filter=OFTEN)
    yield asked(dimensions=("hour", "browser"), metrics=users, metric_filter=OFTEN, date_ranges=(EVER, SOME))
    yield asked(dimensions=("pagePath",), metrics=users, metric_filter=Not(OFTEN), dimension_filter=no_page)
    yield asked(dimensions=("hour",), metrics=users, metric_filter=NumericFilter("sessions", "GREATER_THAN", 10**6))
    yield asked(metrics=users, metric_filter=NumericFilter("sessions", "GREATER_THAN", 10**6))
    yield asked(metrics=users, metric_filter=OFTEN)
    orders = (ByDimension("hour", descending=True, order="NUMERIC"), ByMetric("sessions"))
    yield asked(dimensions=("hour",), metrics=users, orders=orders, keep_empty_rows=True)
    yield asked(dimensions=("date",), metrics=users, date_ranges=(EVER, SOME), keep_empty_rows=True)
    yield asked(dimensions=("dateHour",), metrics=users, metric_filter=Not(OFTEN), keep_empty_rows=True)
    yield asked(dimensions=("hour",), metrics=users, date_ranges=(DateRange("2001-01-01", "2001-01-02"),))
    yield asked(metrics=users, date_ranges=(DateRange("2001-01-01", "2001-01-02"),))


def asked(**wanted: Any) -> Report:
    return Report(**{"date_ranges": (EVER,), "aggregations": ALL, **wanted})


@pytest.fixture
def here(tmp_path: Path, prepared: Prepared) -> Installation:
    """Days that are folded, others in parts, some of both with their condensed rows, and a tail."""
    return prepared.copy("buckets", tmp_path, installation, lambda here: fill(here, 400))


@pytest.fixture
def few(tmp_path: Path, prepared: Prepared) -> Installation:
    return prepared.copy("few in buckets", tmp_path, installation, lambda here: fill(here, 100))


def installation(folder: Path) -> Installation:
    return Installation(folder, (msgspec.structs.replace(BERLIN, rules=1),), rules=lambda _: {})


def fill(here: Installation, size: int) -> None:
    here.store.put_context(ruleset_name(BERLIN.id, 1), encode_ruleset(RULES))
    here.restart()
    hits = [*random_hits(random.Random(5), size, BERLIN), *scores(), *visits()]
    quarter = size // 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "MIN_CONDENSED_EVENTS", 30)
        for start in range(0, len(hits), quarter):
            here.worker.seal(everything=True)
            here.worker.run_maintenance(SUMMER_ENDS + DAY)
            here.send(*hits[start : start + quarter])
            here.receive()


def scores() -> list[RawHit]:
    """Numbers whose sum is cut off: nearly the largest, many times, and their opposite."""
    signs = ["", "", "", "", "-", "-", "-", "", "-", "-", "", "-"]
    return [score(n, f"{sign}{LARGEST // 10**6}") for n, sign in enumerate(signs)]


def visits() -> list[RawHit]:
    """What visitors do on pages, in sessions over midnight of some days."""
    return [visit(number, said) for number, said in enumerate(SAID_MORE * 3)]


def visit(number: int, said: dict[str, str]) -> RawHit:
    more: dict[str, Any] = {"page": PAGES[number % len(PAGES)], "sct": f"{number % 3}", **said}
    at = SUMMER_ENDS - DAY + number * DAY // 48
    return ga4(950 + number, property=BERLIN, client=f"{number % 9}.1", at=at, **more)


def score(number: int, value: str) -> RawHit:
    said: dict[str, Any] = {"epn.score": value}
    return ga4(900 + number, property=BERLIN, client=f"{number % 9}.1", at=SUMMER_ENDS - number * DAY // 8, **said)


def differing(here: Installation, engine: Engine, buckets: int, wanted: list[Any]) -> list[Any]:
    view = here.view(BERLIN.id).with_rules(RULES)
    pinned = here.reader.pin(BERLIN.id)
    named: Any = {"store": here.store_url, "engine": engine, "buckets": buckets}
    return [each for each in wanted if run_in_buckets(each, pinned, RULES, NOW, **named) != run(each, view, NOW)]


@pytest.mark.parametrize("buckets", [2, pytest.param(7, marks=pytest.mark.slow)])
def test_it_works(here: Installation, buckets: int) -> None:
    assert differing(here, open_engine("processes://0"), buckets, list(reports())) == []


def test_more_buckets_than_some_days_have_visitors(few: Installation) -> None:
    assert differing(few, open_engine("processes://0"), 7, list(filtered())) == []


def test_visitors_are_in_several_rows_and_buckets(here: Installation) -> None:
    """Or the sums would be exact whatever was counted."""
    view = here.view(BERLIN.id)
    answer = run(asked(dimensions=("date",), metrics=("totalUsers",)), view, NOW)
    assert sum(int(row.metrics[0]) for row in answer.rows) > int(answer.totals[0].metrics[0])
    events = view.events(date(2026, 1, 1), TODAY, ["visitor"])
    assert set(events["visitor"] % 2) == {0, 1}
    assert here.view(BERLIN.id).tail.blocks
    assert here.view(BERLIN.id).sealed.manifest.periods


def test_what_comes_later_is_not_in_it(few: Installation) -> None:
    report, engine = asked(metrics=("eventCount",)), open_engine("processes://0")
    pinned, before = few.reader.pin(BERLIN.id), run(asked(metrics=("eventCount",)), few.view(BERLIN.id), NOW)
    few.send(*(ga4(n, property=BERLIN) for n in range(3)))
    few.receive()
    few.worker.seal(everything=True)
    assert run(report, few.view(BERLIN.id), NOW) != before
    found = run_in_buckets(report, pinned, None, NOW, store=few.store_url, engine=engine, buckets=2)
    assert found == before


def test_a_report_that_is_wrong_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    here, engine = Installation(tmp_path, (BERLIN,)), open_engine("processes://0")
    here.send(ga4(1, property=BERLIN))
    here.receive()
    here.worker.seal(everything=True)
    with pytest.raises(ReportError, match="is not a dimension"):
        run_in_buckets(
            asked(dimensions=("nonsense",)), here.reader.pin(BERLIN.id), None, NOW,
            store="sqlite:///nowhere", engine=engine, buckets=2,
        )  # fmt: skip


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_on_spark(here: Installation) -> None:
    pytest.importorskip("pyspark", reason="an extra")
    with closing(open_engine("spark-local://2")) as engine:
        assert differing(here, engine, 3, list(reports())[::4]) == []
