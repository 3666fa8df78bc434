"""One line when a server goes away, one when it is back, none between them."""

import logging

import pytest

from configuration import outages
from configuration.outages import BrokerAnswers, OutageFilter, Outages


class Away(Exception):
    pass


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Outages:
    made = Outages()
    made.classify = lambda error: "database" if isinstance(error, Away) else ""
    monkeypatch.setattr(outages, "OUTAGES", made)
    return made


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(OutageFilter())
    return caplog


def test_it_works(seen: Outages, lines: pytest.LogCaptureFixture) -> None:
    seen.consequences["log"] = "hits are kept here until it does"
    for _ in range(3):
        seen.began("log", "nobody listens")
    seen.began("store", Away("no node"))
    for _ in range(3):
        seen.ended("log")
    assert [record.getMessage().partition(", after")[0] for record in lines.records] == [
        "the log does not answer, hits are kept here until it does: nobody listens",
        "the store does not answer, it is tried again until it does: no node",
        "the log answers again",
    ]
    assert seen.is_away("store")


def test_what_is_watched_begins_and_ends(seen: Outages, lines: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with pytest.raises(Away), seen.watch("store", Away):
            raise Away("gone")
    with pytest.raises(ValueError, match="other"), seen.watch("store", Away):
        raise ValueError("other")
    assert seen.is_away("store")
    with seen.watch("store", Away):
        pass
    assert len(lines.records) == 2


def test_lines_about_errors_that_follow_are_dropped(seen: Outages, lines: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("anybody")
    for _ in range(5):
        logger.error("a job failed: %s", Away("refused"))
        try:
            raise ValueError("a page") from Away("refused")
        except ValueError:
            logger.exception("a page failed")
    logger.error("another problem: %s", ValueError("mine"))
    seen.ended("database")
    logger.info("done in %(s)s s", {"s": 1})
    texts = [record.getMessage().partition(", after")[0] for record in lines.records]
    assert texts == [
        "the database does not answer, it is tried again until it does: refused",
        "another problem: mine",
        "the database answers again",
        "done in 1 s",
    ]


def test_celery_s_line_that_it_is_connected_ends_the_outage(seen: Outages, lines: pytest.LogCaptureFixture) -> None:
    seen.began("broker", "gone")
    record = logging.makeLogRecord({"msg": "Connected to redis://a"})
    assert not BrokerAnswers().filter(record)
    assert not seen.is_away("broker")
