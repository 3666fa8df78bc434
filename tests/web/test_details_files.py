"""The rows of a page as files: the same rows as on the page, which no spreadsheet takes for formulas."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from django.test import Client

from configuration.models import Property
from tests.support.installation import ga4
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

EVENTS = ["=1+2", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil.example")', "plain"]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
VALUES = "columns=eventCount&columns=totalUsers"


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        known: dict[str, Any] = {"property": made.property.receive_settings()}
        made.installation.send(*(ga4(100 + n, event=name, **known) for n, name in enumerate(EVENTS)))
        made.installation.send(*(ga4(200 + n, page=f"https://shop.example/many/{n}", **known) for n in range(60)))
        made.installation.receive()
        yield made


@pytest.fixture
def reader(shop: Site, client: Client) -> Client:
    client.force_login(shop.user)
    return client


def get(client: Client, shop: Site, path: str, query: str = "") -> Any:
    response = client.get(f"/{shop.property.pk}/details/{path}/?period=today&{query}")
    assert response.status_code == 200, path
    return response


def rows_of_page(client: Client, shop: Site, path: str, query: str) -> list[list[str]]:
    """All rows, with the names as they were sent, page by page."""
    found, page = list[list[str]](), 1
    while True:
        text = get(client, shop, path, f"{query}&page={page}").content.decode()
        for row in re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", text, re.DOTALL):
            name = re.search(r'title="([^"]*)"', row)
            assert name
            values = re.findall(r'<td class="number">([\d,]+)</td>', row)
            found.append([name[1].replace("&quot;", '"'), *(value.replace(",", "") for value in values)])
        if 'rel="next"' not in text:
            return found
        page += 1


def csv_of(client: Client, shop: Site, path: str, query: str) -> list[list[str]]:
    response = get(client, shop, f"{path}/csv", query)
    assert response["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))


def cells_of_xlsx(client: Client, shop: Site, path: str, query: str) -> list[list[tuple[str, str]]]:
    """The type and the text of each cell below the head."""
    with ZipFile(io.BytesIO(get(client, shop, f"{path}/xlsx", query).content)) as book:
        rows = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).iter(f"{SHEET}row")  # noqa: S314 - we wrote it
    cells = [[(cell.get("t", "n"), "".join(cell.itertext())) for cell in row] for row in rows]
    return cells[1:]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("pages/top", "columns=screenPageViews&columns=totalUsers"),
        ("pages/top", "columns=screenPageViews&columns=totalUsers&q=many&sort=pagePath"),
        ("pages/top", "columns=screenPageViews&columns=totalUsers&f=pagePath:is:/a&f=pagePath:is:/b"),
        ("pages/top", "columns=screenPageViews&columns=totalUsers&q=nothing"),
    ],
)
def test_it_works(shop: Site, reader: Client, path: str, query: str) -> None:
    shown = rows_of_page(reader, shop, path, f"{query}&compare=none")
    head, *rows = csv_of(reader, shop, path, query)
    assert rows == shown
    assert len(head) == 3
    lines = get(reader, shop, f"{path}/jsonl", query).content.decode().splitlines()
    assert [[str(value) for value in json.loads(line).values()] for line in lines] == shown
    assert [[text for _, text in row] for row in cells_of_xlsx(reader, shop, path, query)] == shown


def test_no_text_is_a_formula(shop: Site, reader: Client) -> None:
    names = {row[0] for row in csv_of(reader, shop, "goals/events", VALUES)[1:]}
    assert {f"'{name}" for name in EVENTS[:-1]} <= names
    assert "plain" in names
    cells = [row[0] for row in cells_of_xlsx(reader, shop, "goals/events", VALUES)]
    assert {kind for kind, _ in cells} == {"inlineStr"}
    assert set(EVENTS) <= {text for _, text in cells}


@pytest.mark.parametrize("path", ["pages/top/exe", "pages/top/parquet", "pages/none/csv", "none/top/csv"])
def test_no_such_file(shop: Site, reader: Client, path: str) -> None:
    assert reader.get(f"/{shop.property.pk}/details/{path}/").status_code == 404


def test_a_pattern_that_cannot_be_read(shop: Site, reader: Client) -> None:
    response = reader.get(f"/{shop.property.pk}/details/pages/top/csv/?f=pagePath:matches:(")
    assert response.status_code == 302
    page = reader.get(response["Location"])
    assert "These filters cannot be answered" in page.content.decode()


def test_only_ones_own_properties(shop: Site) -> None:
    client, other = Client(), User.objects.create_user("other")
    Property.objects.create(name="Elsewhere").viewers.add(other)
    client.force_login(other)
    assert client.get(f"/{shop.property.pk}/details/pages/top/csv/").status_code == 404
