"""What becomes of a hit after the steps: counted, with what it implies, or refused once, with its content."""

from collections import Counter
from typing import Any
from urllib.parse import parse_qsl

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from configuration.ruleset.context import UNKNOWN
from processing.pipeline.process import STEPS, Processed, process
from processing.pipeline.row_ops import FEW
from processing.schema import EVENTS, LONGEST_CONTENT, PARAMETERS, REASONS, REJECTED
from processing.segments.process_raw import concat_processed
from tests.support.raw_rows import RULES, ga4, line, processed, raw


def test_it_works() -> None:
    found = processed(ga4(1, country="DE"), ga4(2, user_agent="curl/8"))
    assert found.events.select("position", "event", "host", "path", "source", "browser", "country").rows() == [
        (1, "page_view", "example.org", "/", "(direct)", "Chrome", "Germany")
    ]
    assert found.rejected.select("position", "reason").rows() == [(2, "bot")]
    assert len(found.dropped) == 0


def test_frames_have_their_schemas() -> None:
    flagged = ga4(1, _ss="1", _fv="1")
    for rows in ([], [flagged], [ga4(2, en=None)], [flagged, ga4(2, en=None), line(3)]):
        found = processed(*rows)
        assert dict(found.events.schema) == EVENTS
        assert dict(found.rejected.schema) == REJECTED


def test_every_step_has_a_name_and_a_reason() -> None:
    assert len({step.name for step in STEPS}) == len(STEPS)
    assert all(step.reason and "\n" not in step.reason for step in STEPS)


def test_flags_imply_events_before_the_hits_own() -> None:
    events = processed(ga4(_fv="1", _ss="1", _et="500", _c="1", seg="1")).events.sort("index")
    assert events["event"].to_list() == ["first_visit", "session_start", "page_view"]
    assert events["index"].to_list() == [0, 1, 2]
    assert events["page_view"].to_list() == [False, False, True]
    assert events["first_visit"].to_list() == [True, False, False]
    assert events["key_event"].to_list() == [False, False, True]
    assert events["engagement_ms"].to_list() == [0, 0, 500]
    assert events["client_engaged"].to_list() == [True, True, True]
    shared = [name for name in EVENTS if name not in OWN]
    assert events.select(shared).n_unique() == 1


OWN = {"index", "event", "page_view", "first_visit", "key_event", "engagement_ms"}


def test_a_flag_of_a_whole_hit_implies_one_event() -> None:
    rows = [ga4(index=at, en=name, _ss="1") for at, name in enumerate(["scroll", "page_view", "click"])]
    events = processed(*reversed(rows)).events.sort("index")
    assert events["event"].to_list() == ["session_start", "scroll", "page_view", "click"]
    assert events["index"].to_list() == [1, 2, 3, 4]


def test_an_event_that_the_hit_names_is_not_implied_again() -> None:
    rows = [ga4(1, _ss="1"), ga4(1, index=1, en="session_start", _ss="1"), ga4(2, _ss="1")]
    assert Counter(processed(*rows).events["event"]) == {"page_view": 2, "session_start": 2}


def test_a_refused_event_implies_nothing() -> None:
    rows = [ga4(index=0, en="", _ss="1", _fv="1"), ga4(index=1)]
    found = processed(*rows)
    assert (found.events["event"].to_list(), len(found.dropped)) == (["page_view"], 1)


def test_only_1_raises_a_flag() -> None:
    assert processed(ga4(1, _ss="0", _fv="true"), ga4(2, _ss="")).events.height == 2


def test_a_hit_counts_if_one_of_its_events_does() -> None:
    rows = [ga4(1, index=0, en=None), ga4(1, index=1), ga4(1, index=2, en="x" * 41), ga4(2, index=0)]
    found = processed(*rows)
    assert found.events["position"].sort().to_list() == [1, 2]
    assert (found.rejected.height, len(found.dropped)) == (0, 2)


def test_a_refused_hit_is_one_row_with_its_first_reason() -> None:
    rows = [ga4(5, index=1, user_agent="curl/8"), ga4(5, index=0, en=None, user_agent="curl/8")]
    found = processed(*rows)
    assert found.rejected.select("position", "reason").rows() == [(5, "malformed")]
    assert len(found.dropped) == 0


def test_unknown_properties_keep_everything_that_can_be_rescued() -> None:
    found = processed(ga4(dt="Title", rest="v=2&tid=G-NOBODY"), settings=UNKNOWN)
    row = found.rejected.row(0, named=True)
    assert row["reason"] == "unknown property"
    assert {"en": "page_view", "dt": "Title", "tid": "G-NOBODY"}.items() <= dict(parse_qsl(row["content"])).items()


def test_the_content_holds_every_event_of_the_hit() -> None:
    rows = [ga4(index=1, en="b" * 41), ga4(index=0, en="a" * 41)]
    content = processed(*rows).rejected["content"].item()
    assert [dict(parse_qsl(event))["en"] for event in content.split("\n")] == ["a" * 41, "b" * 41]


@pytest.mark.parametrize(("length", "size"), [(2_000, None), (3_000, 3_000), (100_000, 100_000)])
def test_long_content_is_cut_and_its_length_kept(length: int, size: int | None) -> None:
    row: dict[str, Any] = {**NOTHING, "dt": "t" * (length - len("dt="))}
    found = processed(ga4(1, error="malformed", **row)).rejected
    assert found["content"].str.len_chars().item() == min(length, LONGEST_CONTENT)
    assert found["content_bytes"].item() == size


NOTHING: dict[str, Any] = dict.fromkeys((*PARAMETERS, "rest"))
TEXT = st.text(max_size=30) | st.text(st.sampled_from("&=%+;#\n\r\0\"'<>é "), max_size=10)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(PARAMETERS), TEXT.filter(bool)))
def test_content_is_read_back_as_it_was_sent(parameters: dict[str, str]) -> None:
    row: dict[str, Any] = {**NOTHING, **parameters, "rest": "z=%26&y=1"}
    found = processed(ga4(1, error="malformed", **row))
    content = found.rejected["content"].item()
    assert "\n" not in content
    assert dict(parse_qsl(content)) == {**parameters, "z": "&", "y": "1"}


def test_nothing_sent_is_an_empty_content() -> None:
    assert processed(ga4(1, error="malformed", **NOTHING)).rejected["content"].to_list() == [""]


NAMES = st.sampled_from(["page_view", "session_start", "scroll", "", None])
FLAG = st.sampled_from(["1", None])
AGENT = st.sampled_from([None, "curl/8", ga4()["user_agent"]])


@st.composite
def hits(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    made = []
    for position in range(draw(st.integers(1, 6))):
        log, agent = draw(st.booleans()), draw(AGENT)
        some = [
            ga4(position, index=at, en=draw(NAMES), _ss=draw(FLAG), _fv=draw(FLAG), user_agent=agent)
            for at in range(draw(st.integers(1, 3)))
        ]
        made.append([line(position, status=draw(st.sampled_from(["200", "404"])), user_agent=agent)] if log else some)
    return made


@settings(deadline=None)
@given(hits())
def test_every_hit_is_counted_or_refused_exactly_once(rows: list[list[dict[str, Any]]]) -> None:
    found = processed(*(row for hit in rows for row in hit))
    counted, refused = set(found.events["position"]), found.rejected["position"].to_list()
    assert sorted([*counted, *refused]) == list(range(len(rows)))
    assert set(found.rejected["reason"]) <= set(REASONS)
    assert found.events.select("position", "index").is_duplicated().any() is False
    own = found.events.filter(pl.col("index") >= 2).height
    assert own + len(found.dropped) == sum(len(hit) for hit in rows if hit[0]["position"] in counted)


@settings(deadline=None)
@given(hits(), st.randoms(use_true_random=False), st.integers(0, 6))
def test_split_and_order_change_nothing(rows: list[list[dict[str, Any]]], random: Any, cut: int) -> None:
    whole = processed(*(row for hit in rows for row in hit))
    random.shuffle(rows)
    halves = [[row for hit in half for row in hit] for half in (rows[:cut], rows[cut:])]
    for half in halves:
        random.shuffle(half)
    parts = [process(raw(half), RULES) for half in halves]
    _assert_same(whole, concat_processed(parts)._replace(dropped=whole.dropped))
    assert len(whole.dropped) == sum(len(part.dropped) for part in parts)


def _assert_same(first: Processed, second: Processed) -> None:
    assert_frame_equal(first.events.sort("position", "index"), second.events.sort("position", "index"))
    assert_frame_equal(first.rejected.sort("position"), second.rejected.sort("position"))
    assert_frame_equal(*(found.items.sort("position", "index", "number") for found in (first, second)))


def test_a_large_frame_and_its_rows_one_by_one_agree() -> None:
    rows = [ga4(at, dl=f"https://example.org/{at % 90}", dr=f"https://s{at % 7}.example.net/") for at in range(2 * FEW)]
    singles = [processed(row).events for row in rows]
    assert_frame_equal(processed(*rows).events.sort("position"), pl.concat(singles))
