"""Everything that a page shows is in its address: rows, chips, tiles, tabs and heads are followed as a browser would,
and the pages that they lead to show what the API reports.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from configuration.models import Property
from reporting.dashboard.filter_chips import OPERATORS
from reporting.dashboard.page_request import TOTALS
from reporting.dashboard.panel_tabs import PANEL
from tests.support.installation import NOON, ga4
from tests.support.reporting_site import DAY, MINUTE, Site, site
from tests.web.test_dashboard import figures, page

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

HOSTILE = "/a&f=country:is:x\"'<b>\u202e:is:;%26#?+ é"
# tabs whose rows are texts of hits, and one whose rows are words of ours
ROWS_OF_HITS = [
    "sources/sources",
    "sources/mediums",
    "sources/campaigns",
    "pages/top",
    "goals/events",
    "places/countries",
]


class Parsed(HTMLParser):
    """A page's links (by their text), complaints, and forms with their fields."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[tuple[str, dict[str, str]]] = []  # (text, attributes)
        self.forms: list[dict[str, str]] = []
        self.controls: list[list[str]] = []  # names of a form's fields that people fill in
        self._open: dict[str, str] | None = None
        self._words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._open, self._words = named, []
        if tag == "form":
            self.forms.append({})
            self.controls.append([])
        if tag in ("input", "select") and self.forms and "name" in named:
            self.forms[-1][named["name"]] = named.get("value", "")
            self.controls[-1] += [named["name"]] if named.get("type") != "hidden" else []

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            self.links.append((" ".join("".join(self._words).split()), self._open))
            self._open = None

    def leads(self, href: str) -> str:
        return urljoin(self.address, href)

    def by_title(self, title: str) -> dict[str, str]:
        return next(each for _, each in self.links if each.get("title") == title)

    def by_text(self, text: str) -> str:
        return next(self.leads(each["href"]) for words, each in self.links if words == text)

    def tile(self, metric: str) -> str:
        return next(self.leads(each["href"]) for _, each in self.links if each.get("id") == f"term-{metric}")

    def chips(self) -> list[str]:
        """The addresses of the page without each of its filters."""
        return [self.leads(each["href"]) for _, each in self.links if each.get("class") == "chip"]


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    """With visits from campaigns, and a page, a source and an event of hostile names."""
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        known: Any = {"property": made.property.receive_settings()}
        made.installation.send(
            ga4(10, client="3.3", page=f"https://shop.example{HOSTILE}", session="3", **known),
            ga4(11, client="4.4", page="https://shop.example/b", cs="letter", cm="email", session="4", **known),
            ga4(12, client="5.5", event=HOSTILE[:30], cs=HOSTILE, cm="<b>", cn="May", session="5", **known),
            ga4(13, client="5.5", page="https://other.example/b", session="5", at=NOON + MINUTE, **known),
        )
        made.installation.receive()
        yield made


@pytest.fixture
def reader(shop: Site, client: Client) -> Client:
    client.force_login(shop.user)
    return client


def read(client: Client, address: str) -> Parsed:
    return Parsed(address, page(client, address))


def complaints(text: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'<p class="complaint" role="alert"><bdi>(.*?)</bdi>', text)]


def reported(shop: Site, client: Client, condition: Any = None) -> list[float]:
    """The totals that the API reports for the day."""
    body = {"date_ranges": [{"start": DAY, "end": DAY}], "metrics": TOTALS, "keep_empty_rows": True}
    body |= {"dimension_filter": condition} if condition else {}
    address = f"/api/properties/{shop.property.pk}/report/"
    reply = client.post(address, json.dumps(body), content_type="application/json", headers=shop.bearer)
    assert reply.status_code == 200, reply.content
    rows = reply.json()["rows"]
    return rows[0]["metrics"] if rows else [0.0] * len(TOTALS)


def is_one_of(field: str, value: str) -> dict[str, Any]:
    return {"type": "in_list", "field": field, "values": [value], "case_sensitive": True}


def check_totals(client: Client, address: str, expected: list[float]) -> None:
    """The page at the address shows these totals."""
    shown = figures(page(client, address))
    counts = [(name, value) for name, value in zip(TOTALS, expected, strict=True) if float(value).is_integer()]
    for name, value in counts:
        if name not in ("engagementRate", "averageSessionDuration"):
            assert shown[name] == f"{value:,.0f}", name
    rate = expected[TOTALS.index("engagementRate")]
    assert shown["engagementRate"] == f"{rate:.1%}"


def test_it_works(shop: Site, reader: Client) -> None:
    address = f"/{shop.property.pk}/?period=today"
    overview = read(reader, address)
    filtered = overview.leads(overview.by_title("/a")["href"])
    assert parse_qs(urlsplit(filtered).query)["f"] == ["pagePath:is:/a"]
    check_totals(reader, filtered, reported(shop, reader, is_one_of("pagePath", "/a")))
    (without,) = read(reader, filtered).chips()
    assert without == address
    check_totals(reader, without, reported(shop, reader))


@pytest.mark.parametrize("tab", ROWS_OF_HITS)
def test_a_click_on_any_row_filters_by_it_and_its_chip_leads_back(shop: Site, reader: Client, tab: str) -> None:
    address = f"/{shop.property.pk}/details/{tab}/?period=today"
    panel, _, key = tab.partition("/")
    shown = PANEL[panel].tab(key)
    assert shown
    rows = [each for _, each in read(reader, address).links if "data-without" in each]
    for row in (rows[0], rows[-1]):
        condition = is_one_of(shown.dimension, row["title"])
        filtered, left_out = (urljoin(address, row[name]) for name in ("href", "data-without"))
        check_totals(reader, filtered, reported(shop, reader, condition))
        check_totals(reader, left_out, reported(shop, reader, {"type": "not", "filter": condition}))
        parsed = read(reader, filtered)
        assert parsed.chips() == [f"/{shop.property.pk}/?period=today"]
        assert complaints(page(reader, filtered)) == []


def test_filters_add_up(shop: Site, reader: Client) -> None:
    overview = read(reader, f"/{shop.property.pk}/?period=today&sources=sources")
    first = overview.leads(overview.by_title("letter")["href"])
    assert figures(page(reader, first))["sessions"] == "1"
    both = read(reader, first)
    second = both.leads(both.by_title("/b")["href"])
    assert parse_qs(urlsplit(second).query)["f"] == ["sessionSource:is:letter", "pagePath:is:/b"]
    again = read(reader, second)
    assert len(again.chips()) == 2
    assert set(again.chips()) == {first, f"/{shop.property.pk}/?period=today&sources=sources&f=pagePath%3Ais%3A%2Fb"}
    assert again.by_text("Clear all") == f"/{shop.property.pk}/?period=today&sources=sources"
    assert again.leads(again.by_title("/b")["href"]) == second  # a filter that is there stays one


def test_the_form_of_filters_works_without_javascript(shop: Site, reader: Client) -> None:
    address = f"/{shop.property.pk}/?period=today&f=country:not:x&pages=hosts"
    parsed = read(reader, address)
    fields, controls = next(each for each in zip(parsed.forms, parsed.controls, strict=True) if "fd" in each[1])
    assert controls == ["fd", "fo", "fv"]
    hidden = [(name, given) for name, given in fields.items() if name not in controls]
    values = ["/a", HOSTILE, "", "a:b:c", "(not set)", "ü\u202e"]
    for operator, value in [*((each, "/a") for each in OPERATORS), *(("is", each) for each in values)]:
        sent = urlencode([*hidden, ("fd", "pagePath"), ("fo", operator), ("fv", value)])
        reply = reader.get(f"{urlsplit(address).path}?{sent}")
        assert reply.status_code == 302
        query = parse_qs(urlsplit(reply["Location"]).query, keep_blank_values=True)
        filters = ["country:not:x", f"pagePath:{operator}:{value}"]
        assert query == {"period": ["today"], "pages": ["hosts"], "f": filters}
        text = page(reader, urljoin(address, reply["Location"]))
        assert complaints(text) == []
        assert text.count('class="chip"') == 2


def test_the_form_of_filters_stays_on_the_page_of_details(shop: Site, reader: Client) -> None:
    address = f"/{shop.property.pk}/details/pages/top/"
    reply = reader.get(f"{address}?period=today&q=a&fd=pagePath&fo=is&fv=/a")
    assert reply["Location"] == f"{address}?period=today&q=a&f=pagePath%3Ais%3A%2Fa"
    assert page(reader, reply["Location"]).count("data-without") == 1


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("colour=red", "This page knows no “colour” in its address."),
        ("%3Cb%3E=1", "This page knows no “<b>” in its address."),
        ("period=30d", "“30d” is not a period. These are the last 28 days."),
        ("compare=never", "“never” is not a comparison. This is compared with the period before."),
        ("by=century", "“century” does not fit as an interval of these days; hour, minute do."),
        ("metric=luck", "“luck” is not a number that the chart can show."),
        ("metric=sessions&metric=totalUsers&metric=keyEvents", "The chart shows at most 2 numbers."),
        ("pages=wrong", "Pages have no tab “wrong”."),
        ("f=country:was:x", "The filter “country:was:x” cannot be read, and was left out."),
        ("f=x", "The filter “x” names no dimension, and was left out."),
    ],
)
def test_what_of_an_address_cannot_be_followed_is_named(shop: Site, reader: Client, query: str, complaint: str) -> None:
    period = "" if query.startswith("period") else "period=today&"
    addresses = [f"/{shop.property.pk}/", f"/{shop.property.pk}/panels/", f"/{shop.property.pk}/details/pages/top/"]
    for address in addresses:
        (said,) = complaints(page(reader, f"{address}?{period}{query}"))
        assert said in (complaint, complaint.replace("hour, minute", "minute, hour")), address


@pytest.mark.parametrize("address", ["", "panels/", "details/pages/top/"])
def test_a_wrong_pattern_is_said_and_leads_on(shop: Site, reader: Client, address: str) -> None:
    text = page(reader, f"/{shop.property.pk}/{address}?period=today&f=pagePath:matches:(")
    assert "These filters cannot be answered" in text
    assert "is not one of RE2" in unescape(text)
    on = Parsed(f"/{shop.property.pk}/", text).by_text("Show the page without filters")
    assert figures(page(reader, on))["screenPageViews"] == "6"


@pytest.mark.parametrize(
    "path",
    ["wrong/top/", "pages/wrong/", "wrong/wrong/", "sources/top/", "pages/top.csv/", "pages/"],
)
def test_a_table_that_does_not_exist_is_not_found(shop: Site, reader: Client, path: str) -> None:
    reply = reader.get(f"/{shop.property.pk}/details/{path}")
    assert reply.status_code == 404
    assert "Page not found" in reply.content.decode()


def test_tiles_put_numbers_on_the_chart(shop: Site, reader: Client) -> None:
    address = f"/{shop.property.pk}/?period=today"
    parsed = read(reader, address)
    visits = parsed.tile("sessions")
    assert parse_qs(urlsplit(visits).query)["metric"] == ["screenPageViews", "sessions"]
    text = page(reader, visits)
    assert re.findall(r'line-(\d)" data-metric="(\w+)"', text) == [("2", "sessions"), ("1", "screenPageViews")]
    alone = Parsed(visits, text).tile("screenPageViews")
    assert parse_qs(urlsplit(alone).query)["metric"] == ["sessions"]
    assert Parsed(alone, page(reader, alone)).tile("sessions") == alone  # one number stays


def test_tabs_periods_and_comparisons_keep_the_rest(shop: Site, reader: Client) -> None:
    query = "period=today&f=country:not:x&metric=sessions&goals=events"
    parsed = read(reader, f"/{shop.property.pk}/?{query}")
    kept = {"f": ["country:not:x"], "metric": ["sessions"], "goals": ["events"]}
    for text, changed in (
        ("Hosts", {"period": ["today"], "pages": ["hosts"]}),
        ("YesterdayE", {"period": ["yesterday"]}),
        ("The same dates last year", {"period": ["today"], "compare": ["year"]}),
        ("Minutes", {"period": ["today"], "by": ["minute"]}),
    ):
        leads = next(
            each for words, each in parsed.links if words.replace("E", " E").split() == text.split() or words == text
        )
        assert parse_qs(urlsplit(leads["href"]).query) == kept | changed


def test_no_comparison_says_nothing_of_earlier_data(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/?period=today&compare=none")
    assert "no earlier data" not in text
    assert "compared with" not in text.replace("Compared with", "")
    assert "no earlier data to compare." in page(reader, f"/{shop.property.pk}/?period=today")


def test_not_counted_has_no_comparison(shop: Site, reader: Client) -> None:
    text = page(reader, f"/{shop.property.pk}/not-counted/?period=today")
    assert "Compared with" not in text
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("who", "labels"),
    [
        ("viewer", ["Overview", "Not counted"]),
        ("analyst", ["Overview", "Not counted", "What counts"]),
        ("staff", ["Overview", "Not counted"]),
        ("owner", ["Overview", "Not counted", "What counts", "Settings"]),
        ("administrator", ["Overview", "Not counted", "What counts", "Settings"]),
    ],
)
def test_each_role_sees_the_pages_that_it_may_open(shop: Site, client: Client, who: str, labels: list[str]) -> None:
    """And no link leads to a dead end."""
    client.force_login(_person(shop, who))
    address = f"/{shop.property.pk}/?period=today"
    text = page(client, address)
    found = re.search(r'<nav class="rail".*?</nav>', text, re.DOTALL)
    assert found
    links = Parsed(address, found[0]).links
    assert [words for words, _ in links if words in {*labels, "What counts", "Settings"}] == labels
    for _, each in Parsed(address, text).links:
        leads = urljoin(address, each["href"])
        if urlsplit(leads).path != urlsplit(address).path and leads.startswith("/"):
            assert client.get(leads.partition("#")[0]).status_code in (200, 302), leads
    assert ('href="/admin/"' in text) == (who in ("staff", "owner", "administrator"))


def _person(shop: Site, who: str) -> User:
    if who == "viewer":
        return shop.user
    if who == "administrator":
        return User.objects.create_superuser("root")
    person = User.objects.create_user(who, is_staff=who in ("staff", "owner"))
    shop.property.viewers.add(person)
    if who in ("analyst", "owner"):
        names = ["change_property", "view_property"]
        person.user_permissions.set(Permission.objects.filter(codename__in=names))
    return User.objects.get(pk=person.pk)


@pytest.mark.parametrize("who", ["nobody", "staff"])
def test_pages_of_other_properties_are_not_found(shop: Site, client: Client, who: str) -> None:
    client.force_login(_person(shop, who) if who == "staff" else User.objects.create_user("nobody"))
    other = Property.objects.create(name="A secret") if who == "staff" else shop.property
    for path in ("", "panels/", "not-counted/", "details/pages/top/", "realtime/", "details/pages/top.csv"):
        reply = client.get(f"/{other.pk}/{path}")
        assert reply.status_code == 404, path
        assert "A secret" not in reply.content.decode()
        assert "/a" not in re.findall(r'title="([^"]*)"', reply.content.decode())
