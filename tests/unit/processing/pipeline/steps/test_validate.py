import pytest

from configuration.ruleset.context import UNKNOWN
from processing.pipeline.steps.validate import validate
from tests.support.raw_rows import ga4, line, reasons


def test_it_works() -> None:
    assert reasons(validate, ga4(), line()) == [None, None]


@pytest.mark.parametrize(
    ("error", "reason"),
    [("malformed", "malformed"), ("not msgpack", "malformed"), ("processing error: KeyError", "processing error")],
)
def test_what_could_not_be_decoded_is_refused(error: str, reason: str) -> None:
    assert reasons(validate, ga4(error=error), line(error=error)) == [reason, reason]


def test_an_unknown_property_refuses_all_but_keeps_the_better_reason() -> None:
    assert reasons(validate, ga4(), ga4(error="x"), settings=UNKNOWN) == ["unknown property", "malformed"]


@pytest.mark.parametrize("rest", ["v=1", "tid=G-X&v=3", "v=", "v=2x", "v=1&v=2"])
def test_another_version_of_the_protocol_is_malformed(rest: str) -> None:
    assert reasons(validate, ga4(rest=rest)) == ["malformed"]


@pytest.mark.parametrize("rest", [None, "", "tid=G-X", "v=2", "tid=G-X&v=2", "ep.v=9&v=2", "xv=1"])
def test_a_version_is_not_asked_for_where_there_is_none(rest: str | None) -> None:
    assert reasons(validate, ga4(rest=rest)) == [None]


@pytest.mark.parametrize(
    ("name", "reason"), [(None, "malformed"), ("", "malformed"), ("é" * 40, None), ("é" * 41, "malformed")]
)
def test_an_event_has_a_name_of_up_to_40_characters(name: str | None, reason: str | None) -> None:
    assert reasons(validate, ga4(en=name)) == [reason]


def test_a_line_of_a_log_needs_no_event_name() -> None:
    assert reasons(validate, line(en=None, rest="v=1")) == [None]
