from processing.pipeline.process import STEPS
from processing.pipeline.steps.implied_events import implied_events
from processing.pipeline.trace import trace
from tests.support.raw_rows import RULES, ga4, raw, stepped_through


def test_it_works() -> None:
    frame = stepped_through(RULES, ga4(_fv="1", _ss="1"), until="implied_events")
    assert frame.select("index", "event", "page_view").rows() == [
        (0, "first_visit", False),
        (1, "session_start", False),
        (2, "page_view", True),
    ]


def test_without_flags_only_the_index_moves() -> None:
    before = stepped_through(RULES, ga4(1), ga4(1, index=1), until="custom")
    after = implied_events(before, RULES)
    assert after["index"].to_list() == [2, 3]
    assert after.drop("index").equals(before.drop("index"))


def test_each_hit_gets_its_own() -> None:
    rows = [ga4(1, _ss="1"), ga4(2, _ss="1"), ga4(3)]
    frame = stepped_through(RULES, *rows, until="implied_events")
    assert frame.select("position", "event").sort("position", "event").rows() == [
        (1, "page_view"),
        (1, "session_start"),
        (2, "page_view"),
        (2, "session_start"),
        (3, "page_view"),
    ]


def test_a_trace_follows_the_event_that_was_sent() -> None:
    [event] = trace(raw([ga4(_fv="1", _ss="1")]), RULES)
    assert [step.step for step in event.steps] == [step.name for step in STEPS]
    assert event.facts["event"] == "page_view"
    [step] = [step for step in event.steps if step.step == "implied_events"]
    assert step.changes == ()
