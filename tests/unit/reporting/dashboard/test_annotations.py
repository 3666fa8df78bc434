"""Where in a chart other rules begin to hold."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from processing.segments.manifest import AppliedRules
from reporting.dashboard.annotations import (
    MOST_LABELS,
    NO_RULES,
    Annotation,
    AppliedVersion,
    annotations,
    draw,
    in_force,
)

EVER = (-(2**62), 2**62)
MONTH = (date(2026, 11, 1), date(2026, 11, 30))


def at(day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


CREATED = AppliedVersion(1, at(1) - 1, "Hitstream", "as created")
SECOND = AppliedVersion(2, at(10, 9), "ada", "")
THIRD = AppliedVersion(3, at(19, 22, 30), "ada", "without the office")
ALL = (CREATED, SECOND, THIRD)


def found(
    *bases: AppliedRules, zone: str = "Etc/UTC", days: tuple[date, date] = MONTH, hourly: bool = False, same: Any = ()
) -> list[str]:
    equal = {frozenset(pair) for pair in same}
    made = annotations(
        ALL, bases, zone, days, hourly=hourly, differ=lambda one, other: frozenset((one, other)) not in equal
    )  # fmt: skip
    return [annotation.text for annotation in made]


def test_it_works() -> None:
    assert found() == ["10 Nov: rules 2 by ada", "19 Nov: rules 3 by ada – ‘without the office’"]


def test_the_day_is_the_local_one() -> None:
    assert found(zone="Europe/Berlin") == found()
    assert found(zone="Asia/Tokyo")[1].startswith("20 Nov")


def test_rules_that_were_applied_to_all_of_the_past_hold_everywhere() -> None:
    assert found(AppliedRules(*EVER, 3)) == []
    assert found(AppliedRules(*EVER, 2)) == ["19 Nov: rules 3 by ada – ‘without the office’"]


def test_rules_that_were_applied_to_some_days() -> None:
    assert found(AppliedRules(at(5), at(8), 3)) == [
        "5 Nov: rules 3 by ada – ‘without the office’",
        "8 Nov: rules 1 by Hitstream – ‘as created’",
        "10 Nov: rules 2 by ada",
        "19 Nov: rules 3 by ada – ‘without the office’",
    ]


def test_an_older_base_does_not_take_a_later_version_back() -> None:
    assert found(AppliedRules(at(15), at(25), 2)) == found()


def test_equal_rules_are_no_change() -> None:
    assert found(same=[(1, 2)]) == ["19 Nov: rules 3 by ada – ‘without the office’"]


def test_days_that_are_not_shown() -> None:
    assert found(days=(date(2026, 11, 11), date(2026, 11, 18))) == []


def test_the_first_version_is_no_change() -> None:
    assert found(days=(date(2026, 10, 1), date(2026, 11, 2))) == []


def test_several_on_one_day_are_one_mark() -> None:
    again = AppliedVersion(4, at(19, 23), "bob", "")
    (mark,) = annotations(
        [SECOND, THIRD, again], [], "Etc/UTC", MONTH, hourly=False, differ=lambda one, other: True
    )  # fmt: skip
    assert mark == Annotation(
        "2026-11-19", "rules 4", "19 Nov: rules 3 by ada – ‘without the office’; rules 4 by bob"
    )  # fmt: skip


def test_hours() -> None:
    day = date(2026, 11, 19)
    assert found(days=(day, day), hourly=True) == ["19 Nov, 22:00: rules 3 by ada – ‘without the office’"]


@pytest.mark.parametrize(
    ("instant", "number"), [(at(1) - 2, NO_RULES), (at(1), 1), (at(10, 9) - 1, 1), (at(10, 9), 2), (at(30), 3)]
)
def test_in_force(instant: int, number: int) -> None:
    assert in_force(ALL, [], instant) == number


def test_drawn_as_lines_with_labels_where_there_is_room() -> None:
    few = [Annotation(f"2026-11-{day:02}", "rules 2", "") for day in range(1, MOST_LABELS + 1)]
    for shown, labels in ((few, MOST_LABELS), ([*few, few[0]], 0), ([], None)):
        figure: dict[str, Any] = {"layout": {"shapes": [], "margin": {}, "xaxis": {}}}
        draw(figure, shown)
        assert len(figure["layout"]["shapes"]) == len(shown)
        assert len(figure["layout"].get("annotations", [])) == (labels or 0)


@pytest.mark.parametrize(
    ("day", "anchor"), [(1, "left"), (3, "left"), (5, "center"), (15, "center"), (28, "right"), (30, "right")]
)
def test_labels_stay_within_the_chart(day: int, anchor: str) -> None:
    layout = {"shapes": [], "margin": {}, "xaxis": {"range": ["2026-11-01", "2026-11-30"]}}
    draw({"layout": layout}, [Annotation(f"2026-11-{day:02}", "rules 2", "")])
    assert layout["annotations"][0]["xanchor"] == anchor  # type: ignore[index]
