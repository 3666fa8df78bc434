"""The promise of history: reports under rules are the same, to the last digit, whether the hits came under these rules,
came before and were processed again, or were received by an installation that never knew others.
"""

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from configuration.ruleset.context import ReceiveSettings
from configuration.ruleset.ruleset import Ruleset, encode_ruleset, plain_ruleset, ruleset_name
from processing.models import HistoryRun
from processing.reprocessing import rebuild
from processing.reprocessing.run_requests import create_run
from processing.schema import BUILT
from reporting.kinds import KINDS, run_many
from reporting.kinds.changes.report import ChangesReport
from reporting.kinds.funnel.report import FunnelReport, FunnelStep
from reporting.kinds.paths.report import PathReport
from reporting.kinds.pivot.report import Pivot, PivotReport
from reporting.kinds.realtime.report import RealtimeReport
from reporting.kinds.rejected.report import RejectedReport
from reporting.kinds.retention.report import RetentionReport
from reporting.kinds.sessions.report import SessionOrder, SessionsReport
from reporting.kinds.visitor.report import VisitorReport
from reporting.model.audience import Audience, AudienceReport, Compared, Events, Sequence, Step
from reporting.model.now import Now
from reporting.model.report import Aggregation, DateRange, Report, StringFilter
from tests.agreement.test_random_hits import installation
from tests.support.every_name import every_name
from tests.support.installation import Installation
from tests.support.random_hits import arrivals
from tests.support.random_rules import random_ruleset
from tests.support.random_site import Sent, Site, sites

pytestmark = pytest.mark.django_db
REALTIME: Final[Any] = {"dimensions": ("eventName", "minutesAgo"), "metrics": ("eventCount", "activeUsers")}
EVER: Final = (date(2026, 1, 1), date(2026, 12, 31))
WITHIN_LOG: Final = 2**56  # positions of two logs differ in the bits above
WHOLE_WAY: Final = settings(
    deadline=None, phases=[Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck), print_blob=True
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Site, list[Sent], int]:
    site = draw(sites())
    return site, draw(arrivals(site)), draw(st.integers(0, 2**32))


@settings(WHOLE_WAY, max_examples=4)
@given(stories())
def test_it_works(story: tuple[Site, list[Sent], int]) -> None:
    site, sent, seed = story
    rnd = random.Random(seed)
    versions = {number: rulesets(rnd, site, number) for number in (1, 2, 3)}
    with installation(site) as lived, installation(site) as scratch:
        under(scratch, site, versions, 3)
        scratch.send(*(each.raw for each in sent))
        scratch.receive()
        live_through(lived, site, versions, [each.raw for each in sent], rnd)
        for property in (site.cookie, site.cookieless):
            apply(lived, versions[3][property.id], rnd)
            assert figures(lived, property) == figures(scratch, property)


def rulesets(rnd: random.Random, site: Site, number: int) -> dict[int, Ruleset]:
    return {
        property.id: random_ruleset(rnd, property.id, number, plain_ruleset(property).settings)
        for property in (site.cookie, site.cookieless)
    }


def under(here: Installation, site: Site, versions: dict[int, dict[int, Ruleset]], number: int) -> None:
    """From now on hits are received under these rules."""
    here.rules = lambda _: {}  # they are put here
    for property, rules in versions[number].items():
        here.store.put_context(ruleset_name(property, number), encode_ruleset(rules))
    here.context = msgspec.structs.replace(
        here.context,
        properties=tuple(msgspec.structs.replace(each, rules=number) for each in (site.cookie, site.cookieless)),
    )
    here.restart()


def live_through(
    here: Installation, site: Site, versions: dict[int, dict[int, Ruleset]], hits: list[Any], rnd: random.Random
) -> None:
    """Rules are published twice on the way, seals and upkeep happen, history is rewritten now and then."""
    cuts = sorted(rnd.randrange(len(hits) + 1) for _ in range(2))
    for number, (first, end) in enumerate(zip([0, *cuts], [*cuts, len(hits)], strict=True), start=1):
        under(here, site, versions, number)
        for start in range(first, end, 10):
            here.send(*hits[start : min(start + 10, end)])
            here.receive()
            if rnd.random() < 0.5:
                here.worker.seal(everything=True)
            if rnd.random() < 0.2:
                here.worker.run_maintenance(hits[0].received // 1000 + rnd.choice([0, 5, 80]) * 24 * 3_600_000)
        if rnd.random() < 0.4:
            apply(here, versions[number][site.cookie.id], rnd)


def apply(here: Installation, rules: Ruleset, rnd: random.Random) -> None:
    run = create_run(here.store, rules, "ada")
    with patch.object(rebuild, "TASK_ROWS", rnd.choice([1, 20, 1000])):
        here.history.work(lambda: False)
    run.refresh_from_db()
    assert run.state in (HistoryRun.State.DONE, HistoryRun.State.FAILED), run.error
    if run.state == HistoryRun.State.FAILED:
        assert here.view(rules.property).counts().accepted == 0, run.error


def figures(here: Installation, property: ReceiveSettings) -> tuple[Any, ...]:
    view = here.view(property.id)
    counts = view.counts()
    assert counts.accepted == counts.counted + counts.rejected
    rows = view.events(*EVER, list(BUILT)).with_columns(
        pl.col(pl.Categorical).cast(pl.String), pl.col("position") % WITHIN_LOG
    )
    rejected = view.with_content(view.rejected(*EVER)).with_columns(pl.col("position") % WITHIN_LOG)
    return counts, sorted(map(str, rows.rows())), sorted(map(str, rejected.rows())), answers(view)


def answers(view: Any, ever: tuple[date, date] = EVER) -> list[Any]:
    """What every dimension and every metric says."""
    days = (DateRange(str(ever[0]), str(ever[1])),)
    reports = [Report(date_ranges=days, dimensions=by, metrics=metrics) for by, metrics in every_name()]
    tables = [(answer.rows, answer.totals) for answer in run_many(reports, view, Now.at_end_of(ever[1], "Etc/UTC"))]
    asked = [*other_kinds(days[0]), *on_audiences(days[0]), RejectedReport(date_ranges=days)]
    return [*tables, *run_many(asked, view, Now.at_end_of(ever[1], "Etc/UTC")), *of_the_last_visitor(view, ever)]


def of_the_last_visitor(view: Any, ever: tuple[date, date]) -> list[Any]:
    """What the last event's visitor did, and all others in the half hour before."""
    last = view.events(*ever, ["time", "visitor"]).sort("time", "visitor").tail(1)
    if last.is_empty():
        return []
    now = Now.at(datetime.fromtimestamp(last["time"].item() / 1000, tz=ZoneInfo(view.zone)))
    return run_many([RealtimeReport(**REALTIME), VisitorReport(visitor=str(last["visitor"].item()))], view, now)


def other_kinds(days: DateRange) -> list[Any]:
    """A report of each kind that is not a table."""
    viewed, scrolled = (StringFilter("eventName", name) for name in ("page_view", "scroll"))
    total: frozenset[Aggregation] = frozenset({"TOTAL"})
    steps = (FunnelStep("view", viewed), FunnelStep("scroll", scrolled), FunnelStep("view again", viewed))
    first, last = (date.fromisoformat(day) for day in (days.start, days.end))
    recent = DateRange(str(max(first, last - timedelta(days=999))), days.end)  # as many days as a trend may have
    return [
        FunnelReport(date_range=days, steps=steps, breakdown="country", next_action="eventName"),
        FunnelReport(date_range=recent, steps=steps, open=True, breakdown="date", trend=True),
        PathReport(date_range=days, point=viewed),
        PathReport(date_range=days, dimension="eventName", direction="backward"),
        RetentionReport(date_range=days, granularity="day", breakdown="firstUserSource"),
        ChangesReport(before=days, after=days, dimension="pagePath", metric="totalUsers", limit=2),
        SessionsReport(date_range=days, orders=(SessionOrder("events", descending=True), SessionOrder("browser"))),
        PivotReport(
            date_ranges=(days,),
            pivots=(Pivot(("country",), aggregations=total), Pivot(("eventName",), aggregations=total)),
            metrics=("totalUsers", "sessions", "eventCount"),
        ),
        RejectedReport(
            date_ranges=(days,),
            dimensions=("reason", "rule", "botName", "botCategory", "hostName", "pagePath", "country", "date"),
            metrics=("rejectedHits", "rejectedVisitors"),
            aggregations=total,
        ),
    ]


def on_audiences(days: DateRange) -> list[Any]:
    """Reports on segments of users, sessions and events, and comparisons."""
    viewed, scrolled = (StringFilter("eventName", name) for name in ("page_view", "scroll"))
    sequence = Audience(
        "user", Sequence((Step(viewed), Step(scrolled, within_seconds=86_400))), Events(scrolled, value=3)
    )
    engaged = Audience("session", Events(viewed, "eventsPerSession", "GREATER_THAN", 1))
    abroad = Audience("event", exclude=Events(StringFilter("country", "Germany")))
    table = Report(date_ranges=(days,), dimensions=("country",), metrics=("totalUsers", "sessions", "eventCount"))
    compared = (
        Compared("All"),
        Compared("sequence", sequence),
        Compared("engaged", engaged),
        Compared("abroad", abroad),
    )
    of_events = [report for report in other_kinds(days) if not isinstance(report, RejectedReport)]
    kinds = [AudienceReport(report, audience) for report in of_events for audience in (sequence, abroad)]
    return [AudienceReport(table, None, compared), AudienceReport(table, engaged, compared[1:]), *kinds]


def test_every_kind_is_asked_for() -> None:
    always = (Report, RealtimeReport, VisitorReport, RejectedReport)
    kinds = {*always, *(type(report) for report in other_kinds(DateRange("2026-11-01", "2026-11-30")))}
    assert kinds == {kind.report for kind in KINDS.values()}


def test_rules_of_the_test_change_numbers(tmp_path: Path) -> None:
    """Random rules that never matched would prove nothing."""
    changed = 0
    for seed in range(40):
        rnd = random.Random(seed)
        rules = random_ruleset(rnd, 1, 1, plain_ruleset(ReceiveSettings(id=1, measurement_id="G-X")).settings)
        changed += any(rule.state == "on" for rule in rules.rules)
    assert changed > 20
