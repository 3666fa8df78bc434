"""Which days the dashboard compares and draws, and that this does not depend on how days are stored."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.drafts.publishing import published
from processing.privacy.erasure_requests import erase_visitors
from processing.segments.manifest import decode_manifest
from processing.sessions.local_periods import day_of
from reporting.read_access import view_of
from tests.support.installation import AGENT, ga4
from tests.support.rebuilding import rebuild
from tests.support.reporting_site import DAY, Site, site
from tests.web.test_dashboard import chart, figures, page

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
ALWAYS_NEW = r"csrfmiddlewaretoken\W+value=.\w+|data-as-of>[\d:]+"
ADDRESSES = [
    "?from=2026-10-20&to=2026-10-31",
    "?from=2026-10-22&to=2026-10-31",
    "?from=2026-10-12&to=2026-10-12",
    "?from=2026-10-13&to=2026-10-13",
    "?period=today",
    "?period=28d",
    "?period=90d",
    "?period=365d",
]


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:40+01:00")
    with site(tmp_path, settings) as made:
        yield made


@pytest.fixture
def reader(shop: Site, client: Client) -> Client:
    client.force_login(shop.user)
    return client


def send(shop: Site, *moments: str, agent: str = AGENT) -> None:
    """A page view of a visitor of its own at each moment, in UTC."""
    known: Any = {"property": shop.property.receive_settings(), "agent": agent}
    times = [int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000) for moment in moments]
    shop.installation.send(*(ga4(f"{at}{agent[:3]}", at=at, client=f"{at}.1", **known) for at in times))  # type: ignore[arg-type]
    shop.installation.receive()


def panels(reader: Client, shop: Site, query: str = "") -> str:
    return html.unescape(page(reader, f"/{shop.property.pk}/panels/{query}"))


def fold(shop: Site) -> None:
    shop.installation.worker.seal(everything=True)
    shop.installation.worker.run_maintenance(int(datetime(2026, 11, 20, 15, tzinfo=UTC).timestamp() * 1000))


def stored_periods(shop: Site) -> list[str]:
    manifest = shop.installation.store.manifest(shop.property.pk)
    assert manifest
    return list(decode_manifest(manifest.data).periods)


def test_it_works(shop: Site, reader: Client) -> None:
    send(shop, "2026-11-19T10:00", "2026-11-19T14:30:10", "2026-11-19T20:00", "2026-11-18T10:00")
    text = panels(reader, shop, "?period=today")
    assert "So far today, 20 Nov 2026, compared with 19 Nov 2026, up to the same time (15:30)." in text
    assert '<span class="up">+200%</span> <span class="was">from 1</span>' in text


def test_a_property_that_begins_in_mid_month_looks_the_same_however_its_days_are_stored(
    shop: Site, client: Client, administrator: User
) -> None:
    client.force_login(administrator)
    send(shop, "2026-10-03T10:00", agent=BOT)
    send(shop, "2026-10-12T10:00", "2026-10-13T09:00", "2026-10-22T08:00", "2026-10-30T12:00", "2026-11-03T12:00")
    history = f"/properties/{shop.property.pk}/rules/history/"
    number = shop.property.pk

    def pages() -> list[str]:
        shown = [re.sub(ALWAYS_NEW, "", panels(client, shop, query)) for query in ADDRESSES]
        return [*shown, *re.findall('name="from" value="(.*?)"', page(client, history))]

    as_received = pages()
    assert as_received[-1] == "2026-10-03"
    assert "compared with" not in as_received[0]
    assert "compared with 12 Oct 2026 – 21 Oct 2026." in as_received[1]
    shop.installation.worker.seal(everything=True)
    sealed, in_days = pages(), stored_periods(shop)
    fold(shop)
    folded, in_months = pages(), stored_periods(shop)
    rules = published(number)
    assert rules
    rebuild(shop.installation, rules)
    rebuilt, in_days_again = pages(), stored_periods(shop)
    assert "2026-10" in in_months
    assert "2026-10-12" in in_days
    assert "2026-10-12" in in_days_again
    assert as_received == sealed == folded == rebuilt


def test_the_first_day_is_that_of_the_earliest_event_that_is_left(shop: Site) -> None:
    send(shop, "2026-10-12T10:00", "2026-10-20T10:00")
    fold(shop)
    number = shop.property.pk
    view = view_of(number)
    assert (view.begins, view.ends) == (date(2026, 10, 12), date(2026, 11, 20))
    first = view.events(view.begins, view.begins, ["visitor", "day"])
    assert day_of(first["day"][0]) == date(2026, 10, 12)
    until = datetime(2026, 11, 20, 15, tzinfo=UTC)
    erase_visitors(shop.installation.store, shop.property, [first["visitor"][0]], "ada", until)
    assert view_of(number).begins == date(2026, 10, 20)
    send(shop, "2026-10-02T10:00")
    assert view_of(number).begins == date(2026, 10, 2)


@pytest.mark.parametrize(
    ("query", "compared"),
    [
        ("?from=2026-11-12&to=2026-11-13", "10 Nov 2026 – 11 Nov 2026."),
        ("?from=2026-11-11&to=2026-11-12", ""),
        ("?from=2026-11-11&to=2026-11-11", "10 Nov 2026."),
        ("?from=2026-11-10&to=2026-11-10", ""),
        ("?period=7d", ""),
        ("?from=2026-11-16&to=2026-11-20", "11 Nov 2026 – 15 Nov 2026, up to the same time (15:30)."),
    ],
)
def test_compared_only_where_the_whole_period_before_has_data(
    shop: Site, reader: Client, query: str, compared: str
) -> None:
    send(shop, "2026-11-10T10:00", "2026-11-15T10:00")
    text = panels(reader, shop, query)
    assert ("compared with" in text) == bool(compared)
    assert (f"compared with {compared}" if compared else "; no earlier data to compare.") in text
    assert ('class="change"' in text) == bool(compared)
    assert text.count("no earlier data") <= 1


@pytest.mark.parametrize(
    ("query", "was"), [("?from=2026-11-17&to=2026-11-20", "from 3"), ("?from=2026-11-11&to=2026-11-12", "from 0")]
)
def test_days_before_the_last_count_whole(shop: Site, reader: Client, query: str, was: str) -> None:
    send(shop, "2026-11-01T10:00", "2026-11-14T23:00", "2026-11-16T14:30:39", "2026-11-15T20:00", "2026-11-16T14:29:59")
    assert f'<span class="was">{was}</span>' in panels(reader, shop, query)


def test_the_time_is_that_of_the_clock_on_the_wall(shop: Site, reader: Client, settings: Any) -> None:
    """The day after summer time has ended is compared with a day of 25 hours."""
    settings.CLOCK = lambda: datetime.fromisoformat("2026-10-26T09:00:00+01:00")
    send(shop, "2026-10-20T10:00", "2026-10-25T07:59", "2026-10-25T08:01", "2026-10-26T07:00")
    text = panels(reader, shop, "?period=today")
    assert "up to the same time (09:00)" in text
    assert '<span class="was">from 1</span>' in text


def test_no_line_before_the_data_begin(shop: Site, reader: Client) -> None:
    send(shop, "2026-11-10T10:00")
    drawn = chart(page(reader, f"/{shop.property.pk}/?period=28d"))
    assert drawn["data"][0]["x"][0] == "2026-11-10"
    assert drawn["layout"]["xaxis"]["range"] == ["2026-10-24", "2026-11-20"]
    hours = chart(page(reader, f"/{shop.property.pk}/?from=2026-11-10&to=2026-11-10"))
    assert hours["data"][0]["x"][0] == "2026-11-10T11:00:00"
    before = chart(page(reader, f"/{shop.property.pk}/?from=2026-01-01&to=2026-01-31"))
    assert [trace["x"] for trace in before["data"]] == [[], []]
    text = page(reader, f"/{shop.property.pk}/?from=2026-11-01&to=2026-11-12")
    assert "Tue 10 Nov 2026" in text
    assert "Mon 9 Nov 2026" not in text


def test_every_row_of_a_table_has_people(shop: Site, reader: Client) -> None:
    """Events that are not active have visitors too, and the total counts what the rows count."""
    text = panels(reader, shop, "?period=today&goals=events")
    events = re.search(r'id="table-goals".*?</table>', text, re.DOTALL)
    assert events
    assert re.findall(r'<td class="number">(\d+)</td>', events[0]) == ["3", "2", "1", "1"]
    assert figures(text)["totalUsers"] == "2"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", ""),
        ("?period=", ""),
        ("?from=2026-11-01&to=2026-11-03", ""),
        ("?period=30d", "“30d” is not a period. These are the last 28 days."),
        ("?period=%3Cb%3E%E2%80%AE", "“<b>\N{REPLACEMENT CHARACTER}” is not a period. These are the last 28 days."),
        ("?from=2026-02-30&to=x", "“2026-02-30” is not a day; “x” is not a day. These are the last 28 days."),
        ("?from=2026-11-01", "Only one of the days “from” and “to” is given. These are the last 28 days."),
        ("?from=x", "“x” is not a day. These are the last 28 days."),
        ("?from=2026-11-03&to=2026-11-01", "The first day was after the last, so they were exchanged."),
        ("?from=1999-01-01&to=2030-01-01", "There are no reports before 2 Jan 2000; days to come are left out."),
    ],
)
def test_what_is_wrong_with_the_address_is_said(shop: Site, reader: Client, query: str, complaint: str) -> None:
    text = page(reader, f"/{shop.property.pk}/{query}")
    found = re.search(r'<p class="complaint" role="alert"><bdi>(.*?)</bdi>', text)
    assert html.unescape(found[1] if found else "") == complaint
    assert "<b>\u202e" not in text


def test_the_pages_on_rules_say_it_too(shop: Site, client: Client, administrator: User) -> None:
    client.force_login(administrator)
    text = html.unescape(page(client, f"/properties/{shop.property.pk}/rules/preview/?from=2026-11-19&to=tomorrow"))
    assert "“tomorrow” is not a day. These are the last 7 days." in text


def test_the_panels_change_with_the_minute_while_their_period_is_not_over(
    shop: Site, reader: Client, settings: Any
) -> None:
    address = f"/{shop.property.pk}/panels/"
    tags = {query: reader.get(f"{address}{query}").headers["ETag"] for query in ("?period=today", "?period=yesterday")}
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:31:10+01:00")
    changed = {query for query, tag in tags.items() if reader.get(f"{address}{query}").headers["ETag"] != tag}
    assert changed == {"?period=today"}
