import threading

import pytest

from configuration.deadline import within


def test_it_works() -> None:
    assert within(60, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(60, lambda: dict[str, str]()["missing"])


def test_a_question_that_is_not_answered_is_given_up() -> None:
    answer = threading.Event()
    with pytest.raises(TimeoutError, match="no answer within"):
        within(0.05, lambda: answer.wait(60))
    answer.set()
