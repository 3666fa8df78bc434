"""The programs among the hits that are not counted: which sorts, which ones, and which pages they read."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.support.installation import ga4
from tests.support.reporting_site import DAY, Site, site

pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)

GPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def shop(tmp_path: Path, settings: Any) -> Iterator[Site]:
    settings.CLOCK = lambda: datetime.fromisoformat(f"{DAY}T15:30:00+01:00")
    with site(tmp_path, settings) as made:
        known: dict[str, Any] = {"property": made.property.receive_settings()}
        agents = [GPT] * 3 + [GOOGLE] * 2
        made.installation.send(
            *(
                ga4(100 + n, agent=agent, page=f"https://shop.example/{HOSTILE if n == 0 else n}", **known)
                for n, agent in enumerate(agents)
            )
        )
        made.installation.receive()
        yield made


def tables(text: str) -> dict[str, list[str]]:
    """By heading, the cells of each table of the page."""
    cell = re.compile(r"<bdi[^>]*>([^<]*)</bdi>|<td[^>]*>([\d,]+)</td>")
    sections = re.split(r"<h2[^>]*>", text)[1:]
    return {part.partition("<")[0]: [left or right for left, right in cell.findall(part)] for part in sections}


def test_it_works(shop: Site, client: Client) -> None:
    client.force_login(shop.user)
    response = client.get(f"/{shop.property.pk}/not-counted/?period=today")
    assert response.status_code == 200
    text = response.content.decode()
    shown = tables(text)
    assert shown["Programs"][:4] == ["GPTBot", "3", "Googlebot", "2"]
    assert sum(int(cell) for cell in shown["Sorts of programs"][1::2]) == 5
    assert sum(int(cell) for cell in shown["Pages that programs read"][1::2]) == 5
    assert sum(int(cell) for cell in shown["Pages that AI crawlers read"][1::2]) == 3
    assert "<script>alert" not in text


def test_without_programs(shop: Site, client: Client) -> None:
    client.force_login(shop.user)
    text = client.get(f"/{shop.property.pk}/not-counted/?period=yesterday").content.decode()
    assert "Programs" not in tables(text)
