"""Every example of what is counted holds, on the whole way of a hit and whether its days are sealed or not."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from collection.hit import RawHit
from configuration.checks.check import check as findings
from configuration.ruleset.context import UNKNOWN_PROPERTY, ReceiveSettings
from configuration.ruleset.ruleset import Ruleset, encode_ruleset, plain_ruleset, ruleset_name
from processing.segments.read_view import ReadView
from reporting.ga4.responses import as_text
from reporting.kinds import run
from reporting.model.now import Now
from reporting.model.report import ByDimension, DateRange, Report
from reporting.registry.custom import definitions_of
from reporting.registry.dimensions import DIMENSIONS
from reporting.registry.metrics import METRICS
from tests.spec.examples import RULE_TOPICS, TOPICS, Example
from tests.spec.render import cells
from tests.spec.render_examples import pages
from tests.support.installation import AGENT, SHOP, Installation, access_log, ga4

pytestmark = pytest.mark.django_db

NUMBER = 1
YEAR = DateRange("2026-01-01", "2026-12-31")
EXAMPLES = [example for examples in (*TOPICS.values(), *RULE_TOPICS.values()) for example in examples]
# columns of hits, in plain words, and the parameters of the wire format that stand for them
FLAGS = {"spent": "_et", "key": "_c", "says engaged": "seg", "first": "_fv", "starts": "_ss", "referrer": "dr"}


@pytest.mark.parametrize("sealed", [False, True], ids=["tail", "sealed"])
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_it_works(example: Example, tmp_path: Path, sealed: bool) -> None:
    settings = msgspec.structs.replace(
        SHOP, **example.settings, rules=NUMBER if example.rules or example.rule_settings else 0
    )
    rules = ruleset(example, settings)
    installation = Installation(
        tmp_path, [settings], rules=lambda _: {ruleset_name(settings.id, NUMBER): encode_ruleset(rules)}
    )
    for hit in hits(example, settings):
        installation.send(hit)
        installation.receive()
        if sealed:
            installation.worker.seal(everything=True)
    check(example, installation.view(settings.id).with_rules(rules), installation.view(UNKNOWN_PROPERTY))


def ruleset(example: Example, settings: ReceiveSettings) -> Ruleset:
    plain = plain_ruleset(settings)
    rule_settings = msgspec.structs.replace(plain.settings, **example.rule_settings)
    return msgspec.structs.replace(plain, number=NUMBER, settings=rule_settings, rules=example.rules)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_rules_are_sound(example: Example) -> None:
    assert findings(ruleset(example, SHOP)) == []


def check(example: Example, view: ReadView, of_nobody: ReadView) -> None:
    expected = cells(example.answer)
    answer = run(asked(expected, view), view, Now.at_end_of(date(2026, 12, 31), "Etc/UTC"))
    rows = [[*row.dimensions, *map(as_text, row.metrics)] for row in (*answer.rows, *answer.totals)]
    assert rows == expected[1:]
    wanted = cells(example.rejected) if example.rejected else [["reason"]]
    assert rejected(view, of_nobody, by_rule="rule" in wanted[0]) == wanted[1:]


def rejected(view: ReadView, of_nobody: ReadView, *, by_rule: bool) -> list[list[str]]:
    counts = (*view.counts().reasons.items(), *of_nobody.counts().reasons.items())
    reasons = [[reason, str(number)] for reason, number in sorted(counts) if number]
    if not by_rule:
        return reasons
    rows = view.rejected(date(2026, 1, 1), date(2026, 12, 31)).select("reason", pl.col("rule").fill_null(""))
    found = [[*texts, str(number)] for *texts, number in rows.group_by("reason", "rule").len().rows()]
    assert sum(int(number) for *_, number in found) == sum(int(number) for _, number in reasons)
    return sorted(found)


def asked(expected: list[list[str]], view: ReadView) -> Report:
    """The report that has this answer's columns."""
    own = definitions_of(view.rules)
    by = tuple(name for name in expected[0] if name in {*DIMENSIONS, *own.dimensions})
    return Report(
        date_ranges=(YEAR,),
        dimensions=by,
        metrics=tuple(name for name in expected[0] if name in {*METRICS, *own.metrics}),
        orders=tuple(ByDimension(name) for name in by),
        aggregations=frozenset({"TOTAL"}) if "RESERVED_TOTAL" in expected[-1] else frozenset(),
    )


def hits(example: Example, settings: ReceiveSettings) -> list[RawHit]:
    names, *rows = cells(example.hits)
    make = line if "request" in names else request
    return [make(number, dict(zip(names, row, strict=True)), settings) for number, row in enumerate(rows)]


def request(number: int, given: dict[str, str], settings: ReceiveSettings) -> RawHit:
    values: dict[str, Any] = {FLAGS.get(name, name): text for name, text in given.items() if text}
    hit = ga4(
        number,
        at=moment(values.pop("received", None) or values.pop("at")),
        created=moment(values.pop("made")) if "made" in values else None,
        client=values.pop("visitor"),
        page=f"https://shop.example{values.pop('page', '/')}",
        agent=values.pop("agent", AGENT),
        session=values.pop("session", None),
        hit=values.pop("id", None),
        property=msgspec.structs.replace(
            settings, measurement_id=values.pop("measurement id", settings.measurement_id)
        ),
        **{name: text for name, text in values.items() if name != "address"},
    )
    return msgspec.structs.replace(hit, address=values.get("address", hit.address))


def line(number: int, given: dict[str, str], settings: ReceiveSettings) -> RawHit:
    at = moment(given["at"])
    stamp = datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    agent = given.get("agent") or AGENT
    visitor = f"{given['address']} - {given.get('user') or '-'}"
    text = f'{visitor} [{stamp}] "{given["request"]}" {given["status"]} 12 "-" "{agent}"'
    return access_log(number, text, occurred=at, property=settings)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_manual_shows_the_examples() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, "run python -m tests.spec.render_examples"
