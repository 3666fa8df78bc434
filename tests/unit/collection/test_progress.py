"""Progress, as it is shown in a terminal and elsewhere."""

import io

import pytest

from collection.progress import ERASE_LINE, ProgressLine, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_works() -> None:
    clock, out = Clock(), Terminal()
    meter = ProgressLine(out, "lines", clock)
    clock.now += 2
    meter.show(10_000, 0.25)
    assert out.getvalue() == f"{ERASE_LINE}10,000 lines, 5,000 a second, 25%, 6 s left"
    meter.clear()
    assert out.getvalue().endswith(ERASE_LINE)


def test_without_a_terminal_there_is_a_line_every_ten_seconds() -> None:
    clock, out = Clock(), io.StringIO()
    meter = ProgressLine(out, "lines", clock)
    for done in range(1, 26):
        clock.now += 1
        meter.show(done, None)
    meter.clear()
    assert out.getvalue() == "10 lines, 1 a second\n20 lines, 1 a second\n"


def test_the_work_of_an_earlier_run_does_not_raise_the_rate() -> None:
    clock, out = Clock(), Terminal()
    meter = ProgressLine(out, "lines", clock)
    meter.show(0, 0.5)
    clock.now += 10
    meter.show(100, 0.6)
    assert "10 a second, 60%, 40 s left" in out.getvalue()


def test_counting_down() -> None:
    clock, out = Clock(), Terminal()
    meter = ProgressLine(out, "left", clock)
    clock.now += 1
    meter.count_down(1234)
    assert out.getvalue() == f"{ERASE_LINE}1,234 left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
