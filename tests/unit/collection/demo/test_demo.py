"""The demo shop's traffic: believable, the same every time, and sent once."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from collection.demo import fill as demo_fill
from collection.demo.data import AGENTS, HOST
from collection.demo.fill import FillPlan, fill, read_plan, write_plan
from collection.demo.places import COUNTRIES, DemoCountry, DemoPlace, address_in, place_of
from collection.demo.traffic import HITS_PER_VISIT, DemoRequest, DemoTraffic
from collection.demo.visit import REPORTED_MS
from collection.hit import decode
from collection.log import LogUnavailable, open_log
from collection.log.embedded.log import EmbeddedLog
from collection.protocols import decode as parameters

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=BERLIN)
NOW_MS = int(NOW.timestamp() * 1000)


def traffic(days: int = 30, visits_per_day: float = 60, seed: int = 1) -> list[DemoRequest]:
    return list(DemoTraffic("G-DEMO000001", NOW, seed).requests(days, visits_per_day))


def event(hit: DemoRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(hit.query.decode()).items()}


@pytest.fixture(scope="module")
def month() -> list[DemoRequest]:
    return traffic()


def test_it_works(month: list[DemoRequest]) -> None:
    first = event(month[0])
    assert (first["tid"], first["en"], first["v"]) == ("G-DEMO000001", "page_view", "2")
    assert len({event(hit)["_hid"] for hit in month}) == len(month)


def test_the_same_seed_gives_the_same_hits(month: list[DemoRequest]) -> None:
    assert [hit.query for hit in traffic()] == [hit.query for hit in month]
    assert [hit.query for hit in traffic(seed=2)] != [hit.query for hit in month]


def test_thirty_days_in_order_and_none_in_the_future(month: list[DemoRequest]) -> None:
    times = [hit.at for hit in month]
    days = {datetime.fromtimestamp(time / 1000, BERLIN).date() for time in times}
    assert max(times) < NOW_MS
    assert {NOW.date() - timedelta(days=n) for n in range(30)} <= days
    assert all(event(hit)["_hts"] == str(hit.at) for hit in month[:100])


def test_about_as_many_hits_as_asked_for(month: list[DemoRequest]) -> None:
    visits = Counter((event(hit)["cid"], event(hit)["sid"]) for hit in month)
    assert len(month) / len(visits) == pytest.approx(HITS_PER_VISIT, rel=0.1)


def test_it_looks_like_a_shop(month: list[DemoRequest]) -> None:
    events = Counter(event(hit)["en"] for hit in month)
    assert events["page_view"] > events["user_engagement"] > events["add_to_cart"] > events["purchase"] > 0
    # What the tracker sends by itself, and what a shop calls it for.
    assert set(events) == {"page_view", "user_engagement", "add_to_cart", "begin_checkout", "purchase", "sign_up"}
    purchases = [event(hit) for hit in month if event(hit)["en"] == "purchase"]
    assert all(float(one["epn.value"]) > 0 and one["cu"] == "EUR" and one["pr1"].startswith("id") for one in purchases)
    pages = Counter(event(hit)["dl"].split("?")[0] for hit in month if event(hit)["en"] == "page_view")
    assert pages.most_common(1)[0][0] == f"https://{HOST}/"
    assert len(pages) > 40
    assert len({hit.visitor.agent.user_agent for hit in month} & {agent.user_agent for agent in AGENTS}) > 35
    assert any("Googlebot" in hit.visitor.agent.user_agent for hit in month)


def test_visitors_come_back_and_count_their_visits(month: list[DemoRequest]) -> None:
    visits: dict[str, dict[int, int]] = {}
    for hit in month:
        sent = event(hit)
        visits.setdefault(sent["cid"], {})[int(sent["sct"])] = int(sent["sid"])
    for of_client in visits.values():
        assert list(of_client.values()) == sorted(of_client.values())
        assert sorted(of_client) == list(range(1, max(of_client) + 1))
    again = sum(len(of_client) > 1 for of_client in visits.values())
    assert 0.1 < again / len(visits) < 0.5


def test_a_visit_begins_with_its_flags_and_its_referrer(month: list[DemoRequest]) -> None:
    first: dict[tuple[str, str], dict[str, str]] = {}
    for hit in month:
        first.setdefault((event(hit)["cid"], event(hit)["sid"]), event(hit))
    assert all(sent["_ss"] == "1" and sent["en"] == "page_view" for sent in first.values())
    assert sum("_fv" in event(hit) for hit in month) == sum(sent["sct"] == "1" for sent in first.values())
    referrers = Counter(sent.get("dr", "") for sent in first.values())
    assert referrers["https://www.google.com/"] > referrers["https://www.bing.com/"] > 0
    assert referrers[""] > 0


def test_engagement_time_is_the_time_between_hits(month: list[DemoRequest]) -> None:
    ends: dict[tuple[str, str], tuple[int, int, int]] = {}
    for hit in month:
        key, spent, at = (event(hit)["cid"], event(hit)["sid"]), int(event(hit).get("_et", 0)), hit.at
        begin, _, total = ends.get(key, (at, at, 0))
        ends[key] = (begin, at, total + spent)
    # The tracker reports no time of less than a second, and a browser that ends abruptly nothing at all.
    unreported = [last - begin - total for begin, last, total in ends.values()]
    assert min(unreported) == 0
    assert max(unreported) < 3 * REPORTED_MS
    assert sum(time == 0 for time in unreported) > 0.9 * len(unreported)


@pytest.fixture
def plan() -> FillPlan:
    return FillPlan(7, "G-DEMO000001", "Europe/Berlin", NOW_MS, days=3, hits=700, seed=1)


def test_interruptions_send_no_line_twice(plan: FillPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_fill, "BATCH", 100)
    path, log = tmp_path / "demo.json", open_log(f"sqlite://{tmp_path}/log")
    with monkeypatch.context() as patch:
        patch.setattr(demo_fill, "write_plan", interrupt_after(2))
        with pytest.raises(KeyboardInterrupt):
            fill(plan, path, log)
    read = read_plan(path)
    assert read is not None
    assert (read.sent, read.finished, log.ends()[0]) == (200, False, 200)
    fill(read, path, log)
    assert read_plan(path) == read
    assert read.finished
    assert read.sent == pytest.approx(700, rel=0.35)
    hits = [decode(entry.value) for entry in log.read(0, 0, log.ends()[0] - 1)]
    planned = DemoTraffic(plan.measurement_id, NOW, plan.seed).requests(
        plan.days, plan.hits / plan.days / HITS_PER_VISIT
    )
    assert [hit.query for hit in hits] == [request.query for request in planned]
    log.close()


def test_the_hits_are_those_that_a_collector_makes_of_a_browser_s(plan: FillPlan, tmp_path: Path) -> None:
    log = open_log(f"sqlite://{tmp_path}/log")
    assert fill(plan, tmp_path / "demo.json", log) == log.ends()[0]
    for hit in (decode(entry.value) for entry in log.read(0, 0, log.ends()[0] - 1)):
        decoded = parameters(hit)
        assert (decoded.error, decoded.measurement_id, bool(decoded.hit_id)) == (None, "G-DEMO000001", True)
        assert (hit.property, hit.occurred) == (0, None)
        assert hit.received // 1000 == decoded.created
        assert hit.headers["origin"] == f"https://{HOST}"
        assert place_of(hit.address)
    log.close()


def test_a_log_that_takes_nothing_is_said(plan: FillPlan, tmp_path: Path) -> None:
    class Full(EmbeddedLog):
        def append(self, hits: Sequence[tuple[bytes, bytes]]) -> None:
            raise LogUnavailable("the disk is full")

    log = Full(tmp_path / "log")
    with pytest.raises(LogUnavailable):
        fill(plan, tmp_path / "demo.json", log)
    log.close()
    assert (plan.sent, plan.finished) == (0, False)


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda country: country.code)
def test_addresses_name_places(country: DemoCountry) -> None:
    chance = random.Random(1)
    places = [place_of(str(ip_address(address_in(country, chance)))) for _ in range(50)]
    assert set(places) == {DemoPlace(country.code, city.region, city.name) for city in country.cities}


@pytest.mark.parametrize(
    "address", ["", "192.0.2.1", "2001:db8::1", "2001:db8:999::1", "2001:db8:276:9::1", "2001:db80:276:1::1", "x"]
)
def test_other_addresses_name_none(address: str) -> None:
    assert place_of(address) is None


def interrupt_after(batches: int) -> Callable[[Path, FillPlan], None]:
    left = iter(range(batches - 1))

    def write(path: Path, plan: FillPlan) -> None:
        write_plan(path, plan)
        if next(left, None) is None:
            raise KeyboardInterrupt

    return write


def test_there_is_no_plan_at_first(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "demo.json") is None
