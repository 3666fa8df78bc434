"""The product and the oracle agree on access logs: the real one, and random ones, to the last line and per reason."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from collection.access_logs.lines import LineReader
from processing.pipeline.lookups.user_agents import is_robot, names_browser
from tests.support import oracle_access
from tests.support.installation import BLOG, NOON, SHOP, Installation
from tests.support.oracle_access import Account

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

REAL_LOG: Final = Path(__file__).parent.parent / "data" / "access-semicomplete-2015.log"
EVER: Final = (date(1970, 1, 1), date(2030, 1, 1))
is_bot = cache(lambda agent: is_robot(agent) or not names_browser(agent))


def test_it_works(tmp_path: Path) -> None:
    """The real log: no line is lost, and every figure is the oracle's."""
    lines = REAL_LOG.read_bytes().splitlines()
    here = Installation(tmp_path)
    send(here, LineReader(SHOP.id), lines)
    expected = oracle_access.account([lines], is_bot, host="shop.example")
    check(here, expected)
    assert (expected.lines, len(expected.views) + expected.reasons.total()) == (10_000, 10_000)
    here.worker.seal(everything=True)
    check(here, expected)


def send(here: Installation, reader: LineReader, lines: Sequence[bytes]) -> None:
    here.log.append([(entry.key, entry.value) for entry in reader.read(lines, NOON * 1000)])
    here.receive()


def check(here: Installation, expected: Account, property: int = SHOP.id) -> None:
    check_accounts(here, expected, property)
    check_reports(here, expected, property)


def check_accounts(here: Installation, expected: Account, property: int = SHOP.id) -> None:
    view = here.view(property)
    counts = view.counts()
    assert (counts.accepted, counts.counted) == (expected.lines, len(expected.views))
    assert {reason: number for reason, number in counts.reasons.items() if number} == expected.reasons
    assert Counter(view.rejected(*EVER)["reason"]) == expected.reasons


def check_reports(here: Installation, expected: Account, property: int = SHOP.id) -> None:
    columns = ["visitor", "session", "host", "path", "engaged", "active", "duration_ms", "day"]
    events = here.view(property).events(*EVER, columns).cast({"host": pl.String, "path": pl.String}).fill_null("")
    events = events.with_columns(day=pl.from_epoch(pl.col("day"), time_unit="d").dt.to_string())
    assert page_views(events) == expected.page_views("day", "host", "path")
    assert distinct(events, "visitor") == expected.visitors("day")
    assert events["visitor"].n_unique() == expected.visitors().get((), 0)
    assert distinct(events, "session") == expected.sessions_with("day")
    assert distinct(events.filter("engaged"), "session") == {
        (day,): n for day, n in expected.engaged_sessions().items()
    }
    assert events["session"].n_unique() == len(expected.sessions)
    assert events["active"].all()
    assert seconds(events) == expected.seconds()


def page_views(events: pl.DataFrame) -> Counter[tuple[str, ...]]:
    return Counter(events.select("day", "host", "path").iter_rows())


def distinct(events: pl.DataFrame, name: str) -> dict[tuple[Any, ...], int]:
    return {(day,): n for day, n in events.group_by("day").agg(pl.col(name).n_unique()).iter_rows()}


def seconds(events: pl.DataFrame) -> dict[str, int]:
    once = events.unique(["session", "day"]).group_by("day").agg(pl.col("duration_ms").sum() // 1000)
    return dict(once.iter_rows())


FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:157.0) Gecko/20100101 Firefox/157.0"
PIECES: Final = {
    "address": ["192.0.2.1", "192.0.2.2", "2001:db8::1", "host.example", "", "a b", "-", "192.0.2.1.2"],
    "user": ["-", "bob", "a b", "a 192.0.2.9 b"],
    "request": [
        *(
            "GET / HTTP/1.1",
            "GET /a?x=1 HTTP/1.1",
            "GET /A.Css HTTP/1.1",
            "GET /b.js?x HTTP/1.0",
            "GET /c.js/d HTTP/1.1",
        ),
        *("POST /a HTTP/1.1", "get / HTTP/1.1", "HEAD /a.png HTTP/1.1", "GET http://Other.Example:80/p?q HTTP/1.1"),
        *(
            "GET http://x.example HTTP/1.1",
            "-",
            "",
            "GET /",
            "GET /a b HTTP/1.1",
            "- - -",
            r"GET /\x41\x2epng HTTP/1.1",
        ),
        *(r"GET /\"q HTTP/1.1", r"\x16\x03\x01", "GET /#f.css HTTP/1.1", "GET * HTTP/1.1", "GET //x//y HTTP/1.1"),
        *("GET /ü HTTP/1.1", "GET  /b HTTP/1.1", "GET /.png HTTP/1.1", "GET ?a HTTP/1.1"),
    ],
    "status": ["200", "304", "206", "299", "301", "404", "500", "99", "-", "2000"],
    "size": ["12", "0", "-", "x", ""],
    "agent": [FIREFOX, "Googlebot/2.1", "-", "", r"a\"b", "Mozilla/5.0 (iPhone)"],
    "time": [
        "%d/May/%Y:%H:%M:%S +0000",
        "%d/May/%Y:%H:%M:%S -0230",
        "%d/Feb/%Y:%H:%M:60 +0000",
        "%d/%m/%Y:%H:%M:%S +0000",
    ],
}


def random_line(rnd: random.Random) -> bytes:
    """Mostly good ones, from few visitors, with gaps about the timeout and across midnight."""
    piece = {name: values[0] if rnd.random() < 0.8 else rnd.choice(values) for name, values in PIECES.items()}
    gap = rnd.choice([0, 1, 10, 11, 1799, 1800, 1801, 3600]) * rnd.randrange(60)
    time = (datetime(2015, 5, 17, 12, tzinfo=UTC) + timedelta(seconds=gap)).strftime(piece["time"])
    agent = "" if rnd.random() < 0.1 else f' "-" "{piece["agent"]}"'
    line = (
        f'{piece["address"]} - {piece["user"]} [{time}] "{piece["request"]}" {piece["status"]} {piece["size"]}{agent}'
    )
    data = line.encode()
    return data[: rnd.randrange(len(data))] if rnd.random() < 0.03 else data


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 12))])
def test_random_logs(seed: int, tmp_path: Path) -> None:
    """Received and sealed in pieces of any size, and repeated lines among them."""
    rnd = random.Random(seed)
    property = SHOP if seed % 2 else BLOG
    lines = [random_line(rnd) for _ in range(400)]
    lines += rnd.choices(lines, k=40)
    rnd.shuffle(lines)
    here, reader, left = Installation(tmp_path), LineReader(property.id), lines
    while left:
        size = rnd.randrange(1, 150)
        send(here, reader, left[:size])
        left = left[size:]
        if rnd.random() < 0.3:
            here.worker.seal(everything=True)
    host = property.domains[0] if property.domains else ""
    check(here, oracle_access.account([lines], is_bot, host, property.zone), property.id)


def import_twice(tmp_path: Path) -> tuple[Installation, list[bytes]]:
    rnd = random.Random(5)
    here, lines = Installation(tmp_path), [random_line(rnd) for _ in range(300)]
    for _ in range(2):
        send(here, LineReader(SHOP.id), lines)
    return here, lines


def test_importing_again_counts_no_line_again(tmp_path: Path) -> None:
    here, lines = import_twice(tmp_path)
    check_reports(here, oracle_access.account([lines, lines], is_bot, host="shop.example"))


def test_importing_again_changes_no_reason_but_duplicate(tmp_path: Path) -> None:
    here, lines = import_twice(tmp_path)
    check_accounts(here, oracle_access.account([lines, lines], is_bot, host="shop.example"))
