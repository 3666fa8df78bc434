"""Random hits on their whole way give what the oracle says, and the same however they arrive and whatever is done with
them meanwhile.
"""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from configuration.exchange_rates import Rate, Rates
from processing.ingest.geoip import GeoDatabaseFile
from processing.models import Range
from processing.segments import folding
from processing.segments.read_view import ReadView
from processing.sessions.condensed import CONDENSED_VERSION, MIN_CONDENSED_EVENTS
from processing.store.port import BlockKey
from reporting.kinds import run, run_many
from reporting.kinds.rejected.report import RejectedReport
from reporting.model.audience import AllOf, Audience, AudienceReport, Compared, Events, InOneSession, Sequence, Step
from reporting.model.now import Now
from reporting.model.report import (
    And,
    Answer,
    BetweenFilter,
    DateRange,
    InListFilter,
    Not,
    NumericFilter,
    Or,
    Report,
    StringFilter,
)
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from tests.support import oracle_audiences, oracle_reports
from tests.support.every_name import PARTS, every_name, going_with
from tests.support.installation import Installation
from tests.support.oracle_commerce import Currencies
from tests.support.oracle_reports import Line, SlowReport
from tests.support.places_file import write_places
from tests.support.random_clients import PLACES
from tests.support.random_hits import arrivals
from tests.support.random_site import Sent, Site, sites

# A story takes a second, so that making a failing one smaller would take an hour: it can be repeated by its blob.
WHOLE_WAY: Final = settings(
    deadline=None, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck), print_blob=True
)
pytestmark = pytest.mark.django_db

NETWORKS: Final = {f"{address}/32": record for address, (record, _) in PLACES.items() if record}
# On Mondays only: each other day takes the rate of the one before it. There is no rate of pounds.
RATES: Final = tuple(
    Rate(day, "EUR", "USD", Decimal("1.0837") + day % 7) for day in range(20_400, 21_200) if (day + 3) % 7 == 0
)
Questions = list[tuple[Report, SlowReport]]
Offsets = tuple[int, int, int]  # partition, first, last
TOTAL: Final[Any] = {"aggregations": frozenset({"TOTAL"})}


@st.composite
def stories(draw: st.DrawFn) -> tuple[Site, list[Sent], int]:
    site = draw(sites())
    return site, draw(arrivals(site)), draw(st.integers(0, 2**32))


@settings(WHOLE_WAY, max_examples=8)
@given(stories())
def test_it_works(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, seed = story
    with installation(site) as plain, installation(site) as busy:
        plain.send(*(each.raw for each in sent))
        plain.receive()
        rnd = random.Random(seed)
        live_through(busy, sent, rnd)
        asked = rnd.sample(list(questions(site)), 12)
        check(plain, site, sent, asked, together=True)
        check(busy, site, sent, asked)


@settings(WHOLE_WAY, max_examples=3)
@given(stories())
def test_every_dimension(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, _ = story
    with installation(site) as here:
        here.send(*(each.raw for each in sent))
        here.receive()
        metrics = ("eventCount", "totalUsers", "itemsPurchased", "itemRevenue")
        asked = [plain_question((name,), going_with((name,), metrics), _days(site)) for name in DIMENSIONS]
        check(here, site, sent, asked, together=True)


def live_through(here: Installation, sent: list[Sent], rnd: random.Random) -> None:
    left, given, before = sent[:], set[Offsets](), set[Offsets]()
    rnd.shuffle(left)
    while left:
        size = rnd.randrange(1, 25)
        here.send(*(each.raw for each in left[:size]))
        left = left[size:]
        here.receive()
        given |= {offsets for offsets in ranges(here) if offsets not in before}
        disturb(here, sent, rnd, given)
        before = ranges(here)


def disturb(here: Installation, sent: list[Sent], rnd: random.Random, given: set[Offsets]) -> None:
    here.now += rnd.choice([0.0, 100.0])
    with written_by_some_version(rnd):
        if rnd.random() < 0.4:
            here.worker.seal(everything=True)
        if rnd.random() < 0.3:
            here.worker.run_maintenance(sent[0].raw.received // 1000 + rnd.choice([0, 1, 5, 80]) * 24 * 3_600_000)
    if rnd.random() < 0.3:
        replay(here, rnd, given)
    if rnd.random() < 0.2:
        here.view(rnd.choice([0, 11, 12]))


@contextmanager
def written_by_some_version(rnd: random.Random) -> Iterator[None]:
    """Segments with condensed rows or without, or with those of another version; their text as codes, or as text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "MIN_CONDENSED_EVENTS", rnd.choice([1, 20, MIN_CONDENSED_EVENTS]))
        versions = [CONDENSED_VERSION, CONDENSED_VERSION, CONDENSED_VERSION - 1, 0, CONDENSED_VERSION + 1]
        patch.setattr(folding, "CONDENSED_VERSION", rnd.choice(versions))
        patch.setattr(folding, "CATEGORICAL_SECTIONS", rnd.choice([folding.CATEGORICAL_SECTIONS, set()]))
        yield


def replay(here: Installation, rnd: random.Random, given: set[Offsets]) -> None:
    """Some ranges are received again, as after a crash before they were called done; not what later folds made one."""
    mine = Range.objects.filter(log=here.log.id)
    chosen = [item for item in mine if rnd.random() < 0.5 and offsets_of(item) in given]
    mine.filter(pk__in=[item.pk for item in chosen]).update(done_at=None)
    here.restart()


def ranges(here: Installation) -> set[Offsets]:
    return {offsets_of(item) for item in Range.objects.filter(log=here.log.id)}


def offsets_of(item: Range) -> Offsets:
    return item.partition, item.first, item.last


@contextmanager
def installation(site: Site) -> Iterator[Installation]:
    with TemporaryDirectory(prefix="hitstream-") as name:
        folder = Path(name)
        places = GeoDatabaseFile(write_places(folder / "places.mmdb", NETWORKS))
        yield Installation(folder, [site.cookie, site.cookieless], places=places)
        places.close()


def check(here: Installation, site: Site, sent: list[Sent], asked: Questions, *, together: bool = False) -> None:
    for property in (site.cookie, site.cookieless):
        view = here.view(property.id).with_rates(Rates(RATES, "USD"))
        events = [event for each in sent if each.owner == property.id for event in each.events]
        timeout = property.session_timeout_s * 1000
        facts, reasons = oracle_reports.facts(events, property.zone, timeout, Currencies("USD", RATES))
        check_accounts(view, facts, reasons, sent)
        check_reports(view, facts, asked, together=together)
        check_ranges(view, facts, site)
        check_rejected(view, events, site)
        check_audiences(view, facts, site)
    unknown = [event for each in sent if each.owner == 0 for event in each.events]
    check_rejected(here.view(0), unknown, site, "Etc/UTC")
    check_accounts(here.view(0), *oracle_reports.facts(unknown, "Etc/UTC", 1_800_000), sent)


def check_accounts(view: ReadView, facts: list[dict[str, Any]], reasons: Counter[str], sent: list[Sent]) -> None:
    counts = view.counts()
    assert {name: number for name, number in counts.reasons.items() if number} == reasons
    assert counts.counted == len({fact["position"] for fact in facts})
    assert counts.accepted == counts.counted + reasons.total()
    assert counts.accepted == sum(each.owner == view.property for each in sent)


def check_reports(view: ReadView, facts: list[dict[str, Any]], questions: Questions, *, together: bool) -> None:
    present = Now.at_end_of(date(2026, 12, 1), view.zone)
    reports = [report for report, _ in questions]
    answers = run_many(reports, view, present) if together else [run(report, view, present) for report in reports]
    for (_, asked), answer in zip(questions, answers, strict=True):
        assert as_lines(answer) == oracle_reports.answer(facts, asked), asked


def check_ranges(view: ReadView, facts: list[dict[str, Any]], site: Site) -> None:
    """Date ranges that overlap are counted each by itself."""
    first, last = _days(site)
    ranges = {"all": (first, last), "some": (first + timedelta(days=5), first + timedelta(days=6))}
    named = tuple(DateRange(str(low), str(high), name) for name, (low, high) in ranges.items())
    by, metrics = ("eventName",), ("totalUsers", "sessions")
    answer = run(
        Report(date_ranges=named, dimensions=by, metrics=metrics, **TOTAL), view, Now.at_end_of(last, view.zone)
    )
    for number, (name, (low, high)) in enumerate(ranges.items()):
        rows, total = oracle_reports.answer(facts, SlowReport(by, metrics, (str(low), str(high))))
        assert [(row.dimensions[:1], row.metrics) for row in answer.rows if row.dimensions[1] == name] == rows
        assert answer.totals[number].metrics == total[1]


def check_rejected(view: ReadView, events: list[dict[str, Any]], site: Site, zone: str = "") -> None:
    """Rejected hits by each of their dimensions, and by several."""
    days = tuple(map(str, _days(site)))
    for dimensions in [*((name,) for name in oracle_reports.REJECTED_DIMENSIONS), ("botName", "pagePath"), ()]:
        report = RejectedReport(
            date_ranges=(DateRange(*days),), dimensions=dimensions, metrics=("rejectedHits", "rejectedVisitors")
        )
        answer = run(report, view, Now.at_end_of(date(2026, 12, 1), view.zone))
        asked = oracle_reports.rejected(events, zone or site.cookie.zone, dimensions, (days[0], days[1]))
        assert [(row.dimensions, row.metrics) for row in answer.rows] == asked, dimensions


def check_audiences(view: ReadView, facts: list[dict[str, Any]], site: Site) -> None:
    """Segments, alone and as comparisons, choose the events of each date range by itself."""
    first, last = _days(site)
    now = Now.at_end_of(last, view.zone)
    some = first + timedelta(days=5), first + timedelta(days=6)
    for days, by, metrics in (((first, last), "country", "activeUsers"), (some, "eventName", "eventCount")):
        ends, names = (str(days[0]), str(days[1])), ("totalUsers", "sessions", metrics)
        within = [fact for fact in facts if ends[0] <= fact["day"] <= ends[1]]
        report = Report(date_ranges=(DateRange(*ends),), dimensions=(by,), metrics=names, **TOTAL)
        compared = tuple(Compared(name, audience) for name, audience in AUDIENCES.items())
        together = run(AudienceReport(report, None, compared), view, now)
        for number, (name, audience) in enumerate(AUDIENCES.items()):
            chosen = oracle_audiences.chosen(within, audience)
            rows, total = oracle_reports.answer(chosen, SlowReport((by,), names, ends))
            assert as_lines(run(AudienceReport(report, audience), view, now)) == (rows, total), name
            assert [(row.dimensions[:1], row.metrics) for row in together.rows if row.dimensions[1] == name] == rows
            assert together.totals[number].metrics == total[1]


def as_lines(answer: Answer) -> tuple[list[Line], Line]:
    assert answer.row_count == len(answer.rows)
    rows = [(row.dimensions, row.metrics) for row in answer.rows]
    return rows, (answer.totals[0].dimensions, answer.totals[0].metrics)


def questions(site: Site) -> Iterator[tuple[Report, SlowReport]]:
    first, last = _days(site)
    whole, middle = (first, last), (first + timedelta(days=6), first + timedelta(days=7))
    for by, metrics in every_name():
        yield plain_question(by, metrics, whole)
    for dimensions in COMBINED:
        for metrics in PARTS:
            if metrics := going_with(dimensions, metrics):
                yield plain_question(dimensions, metrics, middle)
    for dimensions, report, asked in FILTERED:
        metrics = ("sessions", "totalUsers", "activeUsers", "averageSessionDuration", "eventCount")
        ends: dict[str, Any] = {
            "date_ranges": (DateRange(str(first), str(last)),),
            "dimensions": dimensions,
            "metrics": metrics,
        }
        yield Report(**ends, **report, **TOTAL), SlowReport(dimensions, metrics, (str(first), str(last)), **asked)


def _days(site: Site) -> tuple[date, date]:
    """All days on which anything can be."""
    low, high = site.days
    start, end = (datetime.fromtimestamp(bound / 1000, tz=UTC).date() for bound in (low, high))
    return start - timedelta(days=5), end + timedelta(days=9)


def plain_question(
    dimensions: tuple[str, ...], metrics: tuple[str, ...], days: tuple[date, date]
) -> tuple[Report, SlowReport]:
    ends = str(days[0]), str(days[1])
    report = Report(date_ranges=(DateRange(*ends),), dimensions=dimensions, metrics=metrics, **TOTAL)
    return report, SlowReport(dimensions, metrics, ends)


COMBINED: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("date", "hour"),
    ("itemName", "itemVariant", "country"),
    ("transactionId", "currencyCode", "date"),
    ("pagePath", "eventName", "date"),
    ("sessionDefaultChannelGroup", "deviceCategory", "country"),
)
VIEWED: Final = oracle_audiences.having("eventName", "page_view")
SCROLL, VIEW = (oracle_audiences.named("eventName", name) for name in ("scroll", "page_view"))
AUDIENCES: Final = {
    "viewed twice": Audience("user", oracle_audiences.having("eventName", "page_view", value=1)),
    "viewed, then scrolled": Audience("session", Sequence((Step(VIEW), Step(SCROLL, within_seconds=3600)))),
    "sessions with more": Audience(
        "user", InOneSession(AllOf((VIEWED, oracle_audiences.having("eventName", "scroll")))), Events(value=7)
    ),
    "not from Germany": Audience("event", exclude=oracle_audiences.having("country", "Germany")),
}
# dimensions, the report's filters, and the same in Python
FILTERED: Final[tuple[tuple[tuple[str, ...], dict[str, Any], dict[str, Any]], ...]] = (
    (
        ("date",),
        {"dimension_filter": StringFilter("eventName", "PAGE_", "BEGINS_WITH")},
        {"keep": lambda fact: fact["event"].startswith("page_")},
    ),
    (
        ("pagePath",),
        {"dimension_filter": StringFilter("pagePath", "/[a-z]?", "FULL_REGEXP", case_sensitive=True)},
        {"keep": lambda fact: fact["path"] in ("/", "/a")},
    ),
    (
        ("sessionSource",),
        {
            "dimension_filter": And(
                (
                    Not(InListFilter("browser", ("chrome",))),
                    Or((StringFilter("country", "an", "CONTAINS"), BetweenFilter("hour", 3, 12))),
                )
            )
        },
        {
            "keep": lambda fact: (
                fact["browser"] != "Chrome" and ("an" in fact["country"] or 3 <= fact["local"].hour <= 12)
            )
        },
    ),
    (
        ("browser", "pagePath"),
        {"metric_filter": Or((NumericFilter("sessions", "GREATER_THAN", 1), NumericFilter("keyEvents", "EQUAL", 1)))},
        {"having": lambda values: values["sessions"] > 1 or values["keyEvents"] == 1},
    ),
)


def test_the_oracle_knows_everything_that_reports_know() -> None:
    assert set(oracle_reports.DIMENSIONS) == set(DIMENSIONS)
    assert set(oracle_reports.METRICS) == set(METRICS)


@settings(WHOLE_WAY, max_examples=3)
@given(stories())
def test_a_block_received_again_is_the_same_bytes(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, seed = story
    with installation(site) as here:
        here.send(*(each.raw for each in sent))
        here.receive()
        before = blobs(here)
        here.store.delete_blocks(list(before))
        assert blobs(here) == {}
        Range.objects.filter(log=here.log.id).update(done_at=None)
        here.restart()
        assert blobs(here) == before
        check(here, site, sent, random.Random(seed).sample(list(questions(site)), 3))


def blobs(here: Installation) -> dict[BlockKey, bytes]:
    return {block.key: here.store.blob(block.key) for block in here.store.blocks()}
