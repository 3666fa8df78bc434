"""Writes to the store on Cassandra that are torn, in doubt, or damaged afterwards."""

from collections.abc import Sequence
from typing import Any

import pytest

from processing.store.cassandra.session import CassandraSession, Statement, UnknownOutcome
from processing.store.cassandra.store import CassandraStore
from processing.store.port import CorruptBlob, LiveChange, ManifestChange, Store, VersionedBlob
from tests.contract.cassandra_actions import (
    ACTIONS,
    LARGE,
    WRITES,
    Action,
    first_commit,
    harm_cell,
    picture,
    put_block,
    put_both,
    put_context,
    put_segment,
    replace_block,
    unnamed,
)
from tests.contract.store_builders import Reopen, key, positions

pytestmark = [pytest.mark.cassandra, pytest.mark.timeout(300)]


class Died(BaseException):
    """What ends a writer in the middle."""


@pytest.fixture
def reopen(on_cassandra: Reopen) -> Reopen:
    return on_cassandra


@pytest.fixture
def store(reopen: Reopen) -> Store:
    return reopen()


class TestTornWrites:
    """A writer dies between two requests; a number of cells or statements is in the cluster by then."""

    @pytest.mark.parametrize(("prepare", "action"), WRITES)
    @pytest.mark.parametrize("where", ["cells", "names"])
    def test_it_works(
        self,
        monkeypatch: pytest.MonkeyPatch,
        session: CassandraSession,
        reopen: Reopen,
        prepare: Action,
        action: Action,
        where: str,
    ) -> None:
        dying, other = reopen(), reopen()
        assert isinstance(dying, CassandraStore)
        assert isinstance(other, CassandraStore)
        prepare(dying)
        before = picture(other)
        with monkeypatch.context() as patched:
            _die_at(dying, where, patched)
            with pytest.raises(Died):
                action(dying)
        assert picture(other) == picture(reopen()) == before
        left = unnamed(other, session)
        assert left or where == "cells"
        action(other)
        assert picture(reopen()) == picture(other) != before
        monkeypatch.setattr("processing.store.cassandra.cells.ABANDONED_S", -10)
        other.scrub()
        assert unnamed(other, session) == {}
        assert picture(reopen()) == picture(other)
        assert list(other.verify()) == []

    def test_what_was_replaced_and_not_deleted_is_swept(
        self, monkeypatch: pytest.MonkeyPatch, session: CassandraSession, reopen: Reopen
    ) -> None:
        dying, other = reopen(), reopen()
        assert isinstance(dying, CassandraStore)
        assert isinstance(other, CassandraStore)
        put_both(dying)
        monkeypatch.setattr(dying._blocks._cells, "delete", _die)
        with pytest.raises(Died):
            replace_block(dying)
        assert other.directory(key(*LARGE)).properties() == [2]
        assert unnamed(other, session) == {"payloads": 1}
        other.scrub()
        assert unnamed(other, session) == {"payloads": 1}, "it may be of a writer that is at it now"
        monkeypatch.setattr("processing.store.cassandra.cells.ABANDONED_S", -10)
        other.scrub()
        assert unnamed(other, session) == {}
        assert positions(other, [key(*LARGE)], 2) == list(range(4000))


def _die(*_: object) -> None:
    raise Died


def _die_at(store: CassandraStore, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "names":
        monkeypatch.setattr(store._session, "swap", _die)
        return
    run_all = store._session.run_all

    def half(query: str, many: Sequence[Sequence[object]]) -> list[list[Any]]:
        if not query.startswith("INSERT"):
            return run_all(query, many)
        rows = list(many)
        run_all(query, rows[: len(rows) // 2])
        raise Died

    monkeypatch.setattr(store._session, "run_all", half)


class TestDoubt:
    """The answer to a conditional write is lost, after it was carried out or before."""

    @pytest.mark.parametrize(("prepare", "action"), ACTIONS)
    @pytest.mark.parametrize("applied", [True, False])
    def test_it_is_done_once(
        self,
        monkeypatch: pytest.MonkeyPatch,
        session: CassandraSession,
        reopen: Reopen,
        prepare: Action,
        action: Action,
        applied: bool,
    ) -> None:
        store, other = reopen(), reopen()
        assert isinstance(store, CassandraStore)
        prepare(store)
        swap, doubts = store._session.swap, [applied, applied]

        def doubtful(statements: Sequence[Statement]) -> bool:
            if not doubts:
                return swap(statements)
            if doubts.pop():
                swap(statements)
            raise UnknownOutcome

        monkeypatch.setattr(store._session, "swap", doubtful)
        action(store)
        assert len(doubts) < 2
        seen = picture(other)
        assert picture(store) == seen
        assert unnamed(store, session) == {}
        assert list(other.verify()) == []

    def test_a_commit_that_others_followed_was_done(self, monkeypatch: pytest.MonkeyPatch, reopen: Reopen) -> None:
        store, other = reopen(), reopen()
        assert isinstance(store, CassandraStore)
        swap = store._session.swap

        def overtaken(statements: Sequence[Statement]) -> bool:
            swap(statements)
            for version in range(1, 6):
                other.commit(1, {1: ManifestChange(version, b"theirs")})
            raise UnknownOutcome

        monkeypatch.setattr(store._session, "swap", overtaken)
        store.commit(1, {1: ManifestChange(0, b"ours")})
        assert other.manifest(1, 1) == VersionedBlob(1, 6, b"theirs")


class TestDamage:
    """Every kind of thing that is stored: a change is reported by `verify` and never served."""

    def test_it_works(self, store: Store) -> None:
        put_block(store)
        put_segment(store)
        assert list(store.verify()) == []

    @pytest.mark.parametrize("number", [0, 1])
    @pytest.mark.parametrize("harm", ["changed", "gone"])
    @pytest.mark.parametrize(("table", "prepare"), [("payloads", put_block), ("columns", put_segment)])
    def test_cells(
        self, session: CassandraSession, reopen: Reopen, table: str, prepare: Action, harm: str, number: int
    ) -> None:
        prepare(reopen())
        harm_cell(session, table, number, harm)
        other = reopen()
        assert list(other.verify())
        with pytest.raises(CorruptBlob):
            _ = other.read("s", "events") if table == "columns" else other.rows([key(*LARGE)], 1)

    @pytest.mark.parametrize("harm", ["changed", "gone"])
    @pytest.mark.parametrize("prepare", [put_context, first_commit])
    def test_documents(self, session: CassandraSession, reopen: Reopen, prepare: Action, harm: str) -> None:
        prepare(reopen())
        harm_cell(session, "documents", 0, harm)
        other = reopen()
        assert len(list(other.verify())) == 1
        with pytest.raises(CorruptBlob):
            _ = other.context("c") if prepare is put_context else other.pin(1)

    def test_pages_of_the_index(self, session: CassandraSession, reopen: Reopen) -> None:
        put_block(reopen())
        listed = bytearray(session.run("SELECT listed FROM blocks WHERE log = ? AND part = ?", key(0, 0)[:2])[0][0])
        listed[-1] ^= 1
        session.run(
            "UPDATE blocks SET listed = ? WHERE log = ? AND part = ? AND page = 0", (bytes(listed), *key(0, 0)[:2])
        )
        with pytest.raises(CorruptBlob):
            reopen().blocks()
        assert list(reopen().verify())

    def test_pointer(self, session: CassandraSession, store: Store) -> None:
        store.commit(1, {1: ManifestChange(0, b"a"), 2: ManifestChange(0, b"b")}, LiveChange(None, 1))
        session.run("UPDATE manifests SET live = 2 WHERE property = 1")
        for read in (store.live, store.manifest, store.pin):
            with pytest.raises(CorruptBlob):
                read(1)
        assert list(store.verify()) == ["live generation of property 1"]
