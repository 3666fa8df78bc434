"""Every example of the manual holds, on the whole way of a hit and whether its days are sealed or not."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from collection.hit import RawHit
from reporting.ga4.responses import as_text
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import Answer
from tests.spec.cases import CASES, Case
from tests.spec.render import PAGE, REGISTRIES, REJECTED, cells, page, with_registries, with_rejected
from tests.support.installation import BLOG, SHOP, Installation, ga4

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
NOW = Now.at_end_of(TODAY, "Etc/UTC")
PROPERTIES = {settings.zone: settings for settings in (SHOP, BLOG)}


@pytest.mark.parametrize("sealed", [False, True], ids=["tail", "sealed"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_it_works(case: Case, tmp_path: Path, sealed: bool) -> None:
    installation = Installation(tmp_path)
    installation.send(*hits(case))
    installation.receive()
    if sealed:
        installation.worker.seal(everything=True)
    answer = run(case.report, installation.view(PROPERTIES[case.zone].id), NOW)
    assert table(answer) == cells(case.answer)


def test_the_manual_shows_examples_and_registries() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.spec.render"
    assert REGISTRIES.read_text() == with_registries(REGISTRIES.read_text()), "run python -m tests.spec.render"
    assert REJECTED.read_text() == with_rejected(REJECTED.read_text()), "run python -m tests.spec.render"


def hits(case: Case) -> list[RawHit]:
    names, *rows = cells(case.hits)
    return [hit(number, dict(zip(names, row, strict=True)), case) for number, row in enumerate(rows)]


def hit(number: int, given: dict[str, str], case: Case) -> RawHit:
    values: dict[str, Any] = {name: value for name, value in given.items() if value}
    at = datetime.fromisoformat(values.pop("at")).replace(tzinfo=UTC)
    return ga4(
        number,
        at=int(at.timestamp() * 1000),
        client=values.pop("client"),
        page=f"https://shop.example{values.pop('page')}",
        event=values.pop("event", "page_view"),
        session=values.pop("sid", None),
        hit=values.pop("_hid", None),
        property=PROPERTIES[case.zone],
        **values,
    )


def table(answer: Answer) -> list[list[str]]:
    head = [*answer.dimensions, *(header.name for header in answer.metrics)]
    rows = [[*row.dimensions, *map(as_text, row.metrics)] for row in (*answer.rows, *answer.totals)]
    return [head, *rows]
