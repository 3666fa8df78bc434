"""Opens a data folder that commit ccea092 wrote, and compares the answers with those that the same commit gave.

tests/data/README.md says what the folder holds. The test passes on any day: reports name calendar days, and no property
has a retention period.
"""

import json
import re
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.other_site import Site

DATA: Final = Path(__file__).parents[1] / "data"
ARCHIVE: Final = DATA / "installation-ccea092.tar.xz"
KNOWN: Final[dict[str, Any]] = json.loads((DATA / "installation-ccea092.json").read_text())
LINES: Final = (DATA / "access-semicomplete-2015.log").read_bytes().splitlines(keepends=True)[::50]
NUMBERS: Final[dict[str, int]] = KNOWN["properties"]
SHOP, JOURNAL, LATE = (NUMBERS[name] for name in ("shop", "journal", "late"))
# Sentences for people, which may be reworded, now, and the length of content, which was not told.
LEFT_OUT: Final = frozenset({"meaning", "status", "as_of", "content_bytes"})
COLUMNS: Final = frozenset(
    name
    for answers in KNOWN["answers"].values()
    for event in json.loads(answers.get("export", '{"events":[]}'))["events"]
    for name in event
)
PATIENCE_S: Final = 60.0

# Sums had no number of cleaned hits, no currencies without a rate and no list of failures then. The page
# /blog/caf%c3%a9 is /blog/café in what is processed by now, and keeps its name in what was processed before: its rows
# differ, how many there are, and the least value of all rows.
DIFFERENT_NOW: Final = re.compile(
    r',"cleaned":\d+,"unconverted":\[[^\]]*\],"failures":\[\](?=\})|,?"rowCount":\d+|"as_of":"[^"]*",'
    r'|,?\{"dimensionValues":\[\{"value":"(?:/blog/caf[^"]*|RESERVED_MIN)"\}[^\]]*\],"metricValues":\[[^\]]*\]\}'
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "installation"
    with Site(folder, {"HITSTREAM_PLACES": str(folder / "places.mmdb")}) as opened:
        opened.manage("migrate", "--verbosity", 0)
        opened.sign_in("admin", "read", "manage")
        yield opened


def answer(site: Site, name: str) -> str:
    """Asks for one of the known requests. Leaves out the time at which an export was made."""
    method, path, body = KNOWN["requests"][name]
    text = site.request(method, path, body, scope="manage" if path.endswith(("export/", "erasures/")) else "read")
    return re.sub('"made_at":"[^"]*"', '"made_at":""', text)


def differences(site: Site, state: str, names: Iterable[str] = ()) -> dict[str, tuple[object, object]]:
    """Asks for all that is known of a state, or for some of it. Returns the answers that differ: the known one and
    today's.
    """
    known: dict[str, str] = KNOWN["answers"][state]
    pairs = {name: (facts(name, known[name]), facts(name, answer(site, name))) for name in names or known}
    return {name: (then, now) for name, (then, now) in pairs.items() if then != now}


def facts(name: str, text: str) -> object:
    """Keeps every byte of reports and sums; of lists, everything but sentences; of exports, what was known then."""
    if name.endswith((", rejected", ", runs", ", erasures")):
        return without(json.loads(text))
    if name == "export":
        return as_known_then(json.loads(text))
    return DIFFERENT_NOW.sub("", text).replace("[,", "[")


def without(value: Any) -> Any:
    if isinstance(value, list):
        return [without(each) for each in value]
    if isinstance(value, dict):
        return {name: without(each) for name, each in value.items() if name not in LEFT_OUT}
    return value


def as_known_then(export: dict[str, Any]) -> dict[str, Any]:
    """Leaves out the columns that events have got since then, and their items."""
    events = [{name: event[name] for name in event if name in COLUMNS} for event in export["events"]]
    known = {name: rows for name, rows in export.items() if not name.endswith("items")}
    return {**known, "events": events}


def sums(site: Site, number: int) -> dict[str, Any]:
    """Returns the status of a property; its sums must add up at any moment."""
    status: dict[str, Any] = json.loads(site.request("GET", f"/api/properties/{number}/status/"))
    assert status["accepted"] == status["counted"] + status["rejected"] + status["pending"]
    assert status["rejected"] == sum(status["reasons"].values())
    return status


def check(site: Site) -> int:
    """Checks all that is stored, and every hit of the log. Returns the number of things that were checked."""
    said = site.manage("fsck")
    assert "no problems" in said
    return things(said)


def things(said: str) -> int:
    """33 of `33 things checked, no problems`."""
    return int(said.split()[0].replace(",", ""))


def test_it_works(site: Site, tmp_path: Path) -> None:
    """One story in one process: starting another takes longer than most of the steps."""
    assert differences(site, "as it was left") == {}
    assert check(site) == things(KNOWN["fsck"])
    roll_back_and_apply_again(site)
    assert unread(site) == KNOWN["unread"]
    receive_and_seal(site)
    import_again(site, tmp_path / "access.log")
    check(site)


def roll_back_and_apply_again(site: Site) -> None:
    """Rolls back the stored run, applies the rules again, and does the same once more with the new run."""
    for _ in range(2):
        site.manage("reprocess", "--property", SHOP, "--undo")
        assert differences(site, "rolled back") == {}
        before = devices(site)
        assert programs(site) == {"(not set)"}
        site.manage("reprocess", "--property", SHOP)
        assert "web / mobile (not set)" in before
        assert not any("(not set)" in device for device in devices(site))
        assert "Googlebot" in programs(site)
    assert differences(site, "as it was left", KNOWN["answers"]["rolled back"]) == {}


def devices(site: Site) -> set[str]:
    """Returns a dimension that is as old as the folder with one that is not: the old one has values at once."""
    names = [{"name": "platformDeviceCategory"}, {"name": "browserVersion"}]
    asked = {"dateRanges": [{"startDate": "2020-01-01", "endDate": "2030-01-01"}], "dimensions": names}
    body = {**asked, "metrics": [{"name": "eventCount"}]}
    rows = json.loads(site.request("POST", f"/v1beta/properties/{SHOP}:runReport", body))["rows"]
    return {" ".join(value["value"] for value in row["dimensionValues"]) for row in rows}


def programs(site: Site) -> set[str]:
    """Returns the programs that rejected hits came from, which the folder does not know."""
    dates = [{"start": "2020-01-01", "end": "2030-01-01"}]
    body = {"kind": "rejected", "date_ranges": dates, "dimensions": ["botName"]}
    return {
        row["dimensions"][0]
        for row in json.loads(site.request("POST", f"/api/properties/{SHOP}/report/", body))["rows"]
    }


def unread(site: Site) -> list[object]:
    """Reads on with the stored subscription: number of hits, first and last position."""
    found = [json.loads(line)["position"] for line in site.manage("subscribe", "mirror", "--once").splitlines()]
    return [len(found), found[0], found[-1]]


def receive_and_seal(site: Site) -> None:
    before = {number: sums(site, number) for number in NUMBERS.values()}
    assert sum(status["pending"] for status in before.values()) > 0
    site.manage("work", "--once")
    assert differences(site, "received") == {}
    after = {number: sums(site, number) for number in NUMBERS.values()}
    assert sum(status["pending"] for status in after.values()) == 0
    assert [after[number]["accepted"] for number in after] == [before[number]["accepted"] for number in after]


def import_again(site: Site, file: Path) -> None:
    """Imports lines that the journal has: today's visitor keys and hit ids must be the same as then."""
    before = sums(site, JOURNAL)
    file.write_bytes(b"".join(LINES))
    site.manage("import_access_log", file, "--property", JOURNAL, "--no-wait")
    site.manage("work", "--once")
    after = sums(site, JOURNAL)
    assert after["counted"] == before["counted"]
    assert after["reasons"]["duplicate"] == before["reasons"]["duplicate"] + len(LINES)


def test_a_visitor_is_erased(site: Site) -> None:
    """The visitor is hidden at once. Then the worker removes the rows, and those of a visitor who was hidden before."""
    site.manage("erase_visitor", "--property", SHOP, "--client-id", KNOWN["client"], "--yes", "--no-wait")
    assert differences(site, "erased") == {}
    with site.worker():
        give_up = time.monotonic() + PATIENCE_S
        while not (removed(site, SHOP) and removed(site, LATE)) or sums(site, SHOP)["pending"]:
            assert time.monotonic() < give_up, "the worker does not remove what is erased"
            time.sleep(0.2)
    assert differences(site, "erased and received") == {}
    check(site)


def removed(site: Site, number: int) -> bool:
    requests = json.loads(site.request("GET", f"/api/properties/{number}/erasures/", scope="manage"))
    return all(request["removed_at"] for request in requests)
