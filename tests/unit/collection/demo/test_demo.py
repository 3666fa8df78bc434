"""The demo shop's traffic: believable, the same every time, and sent once."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from collection.demo import fill as demo_fill
from collection.demo.data import AGENTS, HOST
from collection.demo.fill import FillPlan, fill, read_plan, write_plan
from collection.demo.traffic import HITS_PER_VISIT, DemoTraffic
from collection.hit import RawHit, decode
from collection.log import open_log
from collection.protocols import decode as parameters

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=BERLIN)
NOW_MS = int(NOW.timestamp() * 1000)


def traffic(days: int = 30, visits_per_day: float = 60, seed: int = 1) -> list[RawHit]:
    return list(DemoTraffic(7, "G-DEMO000001", NOW, seed).hits(days, visits_per_day, received_us=5))


def event(hit: RawHit) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(hit.query.decode()).items()}


@pytest.fixture(scope="module")
def month() -> list[RawHit]:
    return traffic()


def test_it_works(month: list[RawHit]) -> None:
    decoded = parameters(month[0])
    assert (decoded.error, decoded.measurement_id) == (None, "G-DEMO000001")
    assert decoded.hit_id
    assert {hit.property for hit in month} == {7}
    assert len({event(hit)["_hid"] for hit in month}) == len(month)


def test_the_same_seed_gives_the_same_hits(month: list[RawHit]) -> None:
    assert traffic() == month
    assert traffic(seed=2) != month


def test_thirty_days_in_order_and_none_in_the_future(month: list[RawHit]) -> None:
    times = [hit.occurred or 0 for hit in month]
    days = {datetime.fromtimestamp(time / 1000, BERLIN).date() for time in times}
    assert max(times) < NOW_MS
    assert {NOW.date() - timedelta(days=n) for n in range(30)} <= days
    assert all(event(hit)["_hts"] == str(hit.occurred) for hit in month[:100])


def test_about_as_many_hits_as_asked_for(month: list[RawHit]) -> None:
    visits = Counter((event(hit)["cid"], event(hit)["sid"]) for hit in month)
    assert len(month) / len(visits) == pytest.approx(HITS_PER_VISIT, rel=0.1)


def test_it_looks_like_a_shop(month: list[RawHit]) -> None:
    events = Counter(event(hit)["en"] for hit in month)
    assert events["page_view"] > events["scroll"] > events["add_to_cart"] > events["purchase"] > 0
    assert {"user_engagement", "sign_up", "begin_checkout"} <= set(events)
    purchases = [event(hit) for hit in month if event(hit)["en"] == "purchase"]
    assert all(float(one["epn.value"]) > 0 and one["cu"] == "EUR" and one["pr1"].startswith("id") for one in purchases)
    pages = Counter(event(hit)["dl"].split("?")[0] for hit in month if event(hit)["en"] == "page_view")
    assert pages.most_common(1)[0][0] == f"https://{HOST}/"
    assert len(pages) > 40
    assert len({hit.user_agent for hit in month} & {agent.user_agent for agent in AGENTS}) > 35
    assert any("Googlebot" in hit.user_agent for hit in month)


def test_visitors_come_back_and_count_their_visits(month: list[RawHit]) -> None:
    visits: dict[str, dict[int, int]] = {}
    for hit in month:
        sent = event(hit)
        visits.setdefault(sent["cid"], {})[int(sent["sct"])] = int(sent["sid"])
    for of_client in visits.values():
        assert list(of_client.values()) == sorted(of_client.values())
        assert sorted(of_client) == list(range(1, max(of_client) + 1))
    again = sum(len(of_client) > 1 for of_client in visits.values())
    assert 0.1 < again / len(visits) < 0.5


def test_a_visit_begins_with_its_flags_and_its_referrer(month: list[RawHit]) -> None:
    first: dict[tuple[str, str], dict[str, str]] = {}
    for hit in month:
        first.setdefault((event(hit)["cid"], event(hit)["sid"]), event(hit))
    assert all(sent["_ss"] == "1" and sent["en"] == "page_view" for sent in first.values())
    assert sum("_fv" in event(hit) for hit in month) == sum(sent["sct"] == "1" for sent in first.values())
    referrers = Counter(sent.get("dr", "") for sent in first.values())
    assert referrers["https://www.google.com/"] > referrers["https://www.bing.com/"] > 0
    assert referrers[""] > 0


def test_engagement_time_is_the_time_between_hits(month: list[RawHit]) -> None:
    ends: dict[tuple[str, str], tuple[int, int, int]] = {}
    for hit in month:
        key, spent, at = (event(hit)["cid"], event(hit)["sid"]), int(event(hit).get("_et", 0)), hit.occurred or 0
        begin, _, total = ends.get(key, (at, at, 0))
        ends[key] = (begin, at, total + spent)
    assert all(last - begin == total for begin, last, total in ends.values())


@pytest.fixture
def plan() -> FillPlan:
    return FillPlan(7, "G-DEMO000001", "Europe/Berlin", NOW_MS, days=3, hits=700, seed=1)


def test_interruptions_send_no_line_twice(plan: FillPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_fill, "BATCH", 100)
    path, log = tmp_path / "demo.json", open_log(f"sqlite://{tmp_path}/log")
    with monkeypatch.context() as patch:
        patch.setattr(demo_fill, "write_plan", interrupt_after(2))
        with pytest.raises(KeyboardInterrupt):
            fill(plan, path, log, 5)
    read = read_plan(path)
    assert read is not None
    assert (read.sent, read.finished, log.ends()[0]) == (200, False, 200)
    fill(read, path, log, 5)
    assert read_plan(path) == read
    assert read.finished
    assert read.sent == pytest.approx(700, rel=0.25)
    ids = [decode(entry.value).id for entry in log.read(0, 0, log.ends()[0] - 1)]
    assert ids == [f"demo-{number}" for number in range(1, read.sent + 1)]
    log.close()


def interrupt_after(batches: int) -> Callable[[Path, FillPlan], None]:
    left = iter(range(batches - 1))

    def write(path: Path, plan: FillPlan) -> None:
        write_plan(path, plan)
        if next(left, None) is None:
            raise KeyboardInterrupt

    return write


def test_there_is_no_plan_at_first(tmp_path: Path) -> None:
    assert read_plan(tmp_path / "demo.json") is None
