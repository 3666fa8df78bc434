"""Accounting: whatever happens between the log and the report, accepted = counted + rejected, for each property and
reason.
"""

import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from collection.hit import RawHit
from processing.schema import BUILT
from processing.segments.read_view import HitCounts, ReadView
from tests.support.installation import BLOG, NOON, SHOP, Installation, access_log, ga4
from tests.support.random_interactions import PAGES, SAID_MORE

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVER = (date(2015, 1, 1), date(2027, 1, 1))
HOUR = 3_600_000
LINE = '192.0.2.9 - - [20/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 9 "-" "Mozilla/5.0 (X11) Firefox/140.0"'


def test_it_works(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(ga4(1), ga4(2, page="https://shop.example/a?x=1"), ga4(3, client="2.2"))
    assert here.receive() == 3
    events = here.view().events(*EVER, ["path", "visitor", "session"])
    assert sorted(events["path"].cast(str)) == ["/", "/", "/a"]
    assert (events["visitor"].n_unique(), events["session"].n_unique()) == (2, 2)


def test_a_hit_that_the_log_holds_twice_counts_once(tmp_path: Path) -> None:
    """As after an append that failed and was stored all the same; days later too, and where the tracker gave no id."""
    here = Installation(tmp_path)
    hits = [ga4(1), ga4(2, hit="of the tracker"), access_log(3, LINE)]
    here.send(*hits)
    here.receive()
    here.worker.seal(everything=True)
    here.send(*hits)
    here.receive()
    counts = here.view().counts()
    assert (counts.accepted, counts.counted, counts.reasons) == (6, 3, {"duplicate": 3})


def random_hits(rnd: random.Random, size: int) -> list[RawHit]:
    hits = []
    for number in range(size):
        at = NOON + rnd.randrange(-30 * HOUR, 30 * HOUR)
        kind = rnd.random()
        if kind < 0.6:
            hits.append(
                ga4(
                    number,
                    client=f"{rnd.randrange(9)}.1",
                    at=at,
                    created=at - rnd.randrange(60_000),
                    hit=f"id{number}",
                    property=rnd.choice([SHOP, BLOG]),
                    page=rnd.choice(PAGES),
                    **{"sct": f"{rnd.randrange(3)}", **rnd.choice(SAID_MORE)},
                )
            )
        elif kind < 0.7:
            hits.append(ga4(number, at=at, event="", property=SHOP))
        elif kind < 0.75:
            hits.append(ga4(number, at=at, agent="Googlebot/2.1 (+http://www.google.com/bot.html)", property=BLOG))
        else:
            hits.append(access_log(number, _line(rnd), at=at, occurred=at - HOUR))
        if rnd.random() < 0.2:
            hits.append(rnd.choice(hits))
    return hits


def _line(rnd: random.Random) -> str:
    request = rnd.choice(["GET /a HTTP/1.1", "GET /style.css HTTP/1.1", "POST /form HTTP/1.1", "nonsense"])
    sender, status = f"192.0.2.{rnd.randrange(5)}", rnd.choice([200, 304, 404])
    return f'{sender} - - [20/Nov/2026:10:05:03 +0000] "{request}" {status} 12 "-" "Mozilla/5.0 Firefox/120.0"'


class Viewed(Protocol):
    def view(self, property: int) -> ReadView: ...


def figures(here: Viewed, property: int) -> tuple[HitCounts, list[tuple[Any, ...]]]:
    view = here.view(property)
    counts = view.counts()
    assert counts.accepted == counts.counted + counts.rejected
    columns = [
        "visitor",
        "hit",
        "session",
        "day",
        "engaged",
        "active",
        "duration_ms",
        "session_source",
        "path",
        "event",
    ]
    events = view.events(*EVER, columns).cast({"session_source": str, "path": str, "event": str})
    reasons = Counter(view.rejected(*EVER)["reason"].to_list())
    assert dict(reasons) == {reason: number for reason, number in counts.reasons.items() if number}
    return counts._replace(dropped=0), sorted(events.rows())


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in [4, 5])])
def test_accounts_hold_whatever_happens(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    hits = random_hits(rnd, 150)
    plain, busy = Installation(tmp_path / "plain"), Installation(tmp_path / "busy")
    plain.send(*hits)
    plain.receive()
    left = hits[:]
    while left:
        size = rnd.randrange(1, 40)
        batch, left = left[:size], left[size:]
        busy.send(*batch)
        busy.receive()
        _disturb(rnd, busy)
    for property, expected in Counter(property_of(hit) for hit in hits).items():
        assert figures(plain, property)[0].accepted == expected
        assert figures(plain, property) == figures(busy, property)


def _disturb(rnd: random.Random, here: Installation) -> None:
    here.now += rnd.choice([0.0, 100.0])
    if rnd.random() < 0.4:
        here.worker.seal(everything=True)
    if rnd.random() < 0.3:
        here.worker.run_maintenance(NOON + rnd.choice([0, 1, 5, 40]) * 24 * HOUR)
    if rnd.random() < 0.2:
        here.restart()


def property_of(hit: RawHit) -> int:
    return hit.property or (SHOP.id if SHOP.measurement_id.encode() in hit.query else BLOG.id)


def test_few_large_hits_fill_a_range(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    large = msgspec.structs.replace(ga4(0), query=b"x" * 2_600, body=b"en=a\n" * 100)
    here.send(*(msgspec.structs.replace(large, id=f"large{number}") for number in range(1_500)))
    assert here.receive() == 1_500
    assert [block.hits for block in here.store.blocks()] == [*7 * [205], 65]


def test_small_hits_fill_a_range_by_their_number(tmp_path: Path) -> None:
    here = Installation(tmp_path)
    here.send(*(ga4(number) for number in range(5_000)))
    assert here.receive() == 5_000
    assert [block.hits for block in here.store.blocks()] == [4_096, 904]


def test_what_names_people_is_in_no_fact_of_an_event(tmp_path: Path) -> None:
    """The facts come from parameters that receiving has cleaned; of a click id nothing but its name is a fact."""
    shop = msgspec.structs.replace(SHOP, remove_personal_data=True)
    here = Installation(tmp_path, [shop])
    texts = ("link_url", "link_text", "search_term", "form_destination", "form_id", "video_title", "file_name")
    sent: dict[str, Any] = {f"ep.{name}": "see jane@people.example" for name in texts} | {"ck": "jane@people.example"}
    page = "https://shop.example/?q=jane%40people.example&utm_content=jane@people.example&gclid=s3cret"
    own = ga4(1).address
    sent |= {
        "dt": f"Mail of jane@people.example, seen by {own}",
        "dr": f"https://x.example/?to=jane@people.example&ip={own}",
    }
    sent |= dict.fromkeys(("ul", "sr", "vp", "uam"), own)
    here.send(ga4(1, page=page, **sent), ga4(2, page=page), ga4(3, session="2", page=page))
    here.receive()
    events = here.view().events(*EVER, list(BUILT)).rows(named=True)
    assert len(events) == 3
    assert "people.example" not in str(events)
    assert "s3cret" not in str(events)
    assert own not in str(events)
    (said,) = {event["title"] for event in events if event["title"]}
    assert said.startswith("Mail of (removed), seen by ")
    assert {event["campaign_details"] for event in events} == {"click=gclid", "term=(removed)&click=gclid"}
