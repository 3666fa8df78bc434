from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.process import process
from processing.pipeline.row_ops import FEW
from processing.pipeline.steps.client import client
from tests.support.raw_rows import RULES, ga4, line, raw, stepped

COLUMNS = ("language", "screen", "viewport", "signed_in")


def client_of(**named: Any) -> tuple[Any, ...]:
    return stepped(client, ga4(**named)).select(*COLUMNS).row(0)


def test_it_works() -> None:
    sent = {"ul": "de-AT", "sr": "1920x1080", "rest": "v=2&vp=1280x720&tid=G-X", "uid": "user-7"}
    assert client_of(**sent) == ("de-at", "1920x1080", "1280x720", True)


def test_a_client_that_says_nothing() -> None:
    assert client_of(ul=None, sr=None, uid=None, rest=None) == (None, None, None, False)
    assert stepped(client, line()).select(*COLUMNS).row(0) == (None, None, None, False)


@pytest.mark.parametrize(
    ("sent", "language"),
    [
        ("en-us", "en-us"),
        ("en_US.UTF-8", "en-us"),
        ("sr@latin", "sr"),
        ("zh-Hant-TW", "zh-hant-tw"),
        ("de,en;q=0.5", "de"),
        ("fil", "fil"),
        *((text, None) for text in ("", "c", "(none)", "en-", "e1", "<b>", "x" * 9, "\0", "de-at-" + "a" * 9)),
    ],
)
def test_languages(sent: str, language: str | None) -> None:
    assert client_of(ul=sent)[0] == language


@pytest.mark.parametrize(
    ("sent", "size"),
    [
        ("1x1", "1x1"),
        ("99999x99999", "99999x99999"),
        *((text, None) for text in ("", "0x0", "01x1", "100000x1", "1x", "x", "1X1", "1x1x1", "-1x1", "1e3x1", " 1x1")),
    ],
)
def test_sizes(sent: str, size: str | None) -> None:
    assert client_of(sr=sent)[1] == size
    assert client_of(rest=f"vp={sent}")[2] == size


@pytest.mark.parametrize("rest", ["avp=1x1", "ep.vp=1x1", "a=vp=1x1", "vp", "vp=1x1%00"])
def test_what_is_no_viewport(rest: str) -> None:
    assert client_of(rest=rest)[2] is None


@pytest.mark.parametrize(("sent", "signed_in"), [("user-7", True), (" ", True), ("", False), (None, False)])
def test_signed_in(sent: str | None, signed_in: bool) -> None:
    assert client_of(uid=sent)[3] is signed_in


def test_the_user_id_is_in_no_column() -> None:
    events = process(raw([ga4(uid="jane-4711", _fv="1")]), RULES).events
    assert events["signed_in"].to_list() == [True, True]
    assert not any("jane-4711" in str(value) for row in events.rows() for value in row)


def test_many_rows_and_few_agree() -> None:
    sent = [{"ul": "de", "sr": "1x1"}, {"rest": "vp=2x2"}, {"ul": "?", "uid": "u"}]
    found = stepped(client, *(ga4(at, **each) for at, each in enumerate(sent * FEW)))
    expected = [("de", "1x1", None, False), (None, None, "2x2", False), (None, None, None, True)]
    assert found.select(*COLUMNS).rows() == expected * FEW


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1, max_size=4))
def test_any_text(texts: list[tuple[str, str]]) -> None:
    rows = [ga4(at, ul=one, sr=other, rest=f"vp={other}") for at, (one, other) in enumerate(texts)]
    found = stepped(client, *rows)
    assert found.height == len(texts)
    assert found.select(pl.col("screen", "viewport").str.contains("^[0-9]+x[0-9]+$").fill_null(value=True).all()).row(
        0
    ) == (True, True)
