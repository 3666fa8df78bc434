"""Which server an error is about, and what a task that fails because of it logs: nothing of its own."""

import logging
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, OperationalError

from analytics_site.server_errors import server_of
from collection.log import LogUnavailable
from configuration.outages import OUTAGES
from processing.concurrency.backoff import Backoff, Task
from processing.store.port import StoreUnavailable


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def of_psycopg(code: str | None) -> Exception:
    made: type[Exception] = type("OperationalError", (Exception,), {"__module__": "psycopg", "sqlstate": code})
    return made()


def test_it_works() -> None:
    assert server_of(LogUnavailable("gone")) == "log"
    assert server_of(StoreUnavailable("gone")) == "store"
    assert server_of(caused_by(OperationalError("gone"), of_psycopg(None))) == "database"
    assert server_of(caused_by(OperationalError("told to end"), of_psycopg("57P01"))) == "database"
    assert server_of(caused_by(OperationalError("deadlock"), of_psycopg("40P01"))) == ""
    assert server_of(OperationalError("database is locked")) == ""
    assert server_of(IntegrityError("twice")) == ""
    assert server_of(ValueError("other")) == ""


def test_errors_of_the_broker() -> None:
    redis = pytest.importorskip("redis.exceptions")
    kombu = pytest.importorskip("kombu.exceptions")
    assert server_of(redis.ConnectionError("refused")) == "broker"
    assert server_of(redis.BusyLoadingError("starting")) == "broker"
    assert server_of(kombu.OperationalError("refused")) == "broker"
    assert server_of(redis.ResponseError("wrong command")) == ""


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(OUTAGES, "_since", {})
    monkeypatch.setattr(OUTAGES, "classify", server_of)
    return SimpleNamespace(now=0.0)


def test_tasks_that_fail_by_an_outage_log_it_once(away: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    backoff = Backoff(lambda: away.now)
    gone = caused_by(OperationalError("gone"), of_psycopg(None))

    def fail() -> None:
        raise gone

    tasks = list(Task)[:3]
    for _ in range(4):
        for task in tasks:
            backoff.attempt(task, fail)
        away.now += 60
    assert [record.getMessage() for record in caplog.records] == [
        "the database does not answer, it is tried again until it does: gone"
    ]
    OUTAGES.ended("database")
    for task in tasks:
        assert backoff.attempt(task, lambda: None)
    assert len(caplog.records) == 2
    assert len(backoff) == 0
