"""What a person pastes is read as what it is."""

from datetime import UTC, datetime

import pytest

from configuration.ruleset.context import ReceiveSettings
from processing.dry_run.pasted_hit import LONGEST, UnreadablePaste, read_pasted
from processing.ingest.geoip import NoGeoDatabase
from tests.support.installation import SHOP

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINE = '198.51.100.7 - - [10/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Firefox"'


def row(text: str, settings: ReceiveSettings = SHOP) -> dict[str, object]:
    (only,) = read_pasted(
        text, settings, NoGeoDatabase(), user_agent="Firefox", address="192.0.2.9", now=NOW
    ).to_dicts()
    return only


def test_it_works() -> None:
    found = row("https://shop.example/a")
    assert (found["protocol"], found["dl"], found["en"]) == ("ga4", "https://shop.example/a", "page_view")


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        LINE.replace(" - - ", "  -  Jane Doe  "),
        "www.example.org:443 " + LINE + ' "-" 0.003',
        '{"time":"10/Nov/2026:10:00:00 +0000","remote_addr":"198.51.100.7","request":"GET /a HTTP/1.1","status":200}',
    ],
)
def test_lines_of_access_logs(text: str) -> None:
    found = row(text)
    assert (found["protocol"], found["target"], found["status"]) == ("access_log", "/a", "200")


@pytest.mark.parametrize("text", ["", "hello", "[" * LONGEST, "a " + "[x" * 8_000, "x" * (LONGEST + 1)])
def test_what_is_no_hit(text: str) -> None:
    with pytest.raises(UnreadablePaste):
        row(text)
