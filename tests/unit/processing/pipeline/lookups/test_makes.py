import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.pipeline.lookups.makes import LONGEST_MODEL, make_and_model
from processing.pipeline.lookups.user_agents import parse_user_agent

ANDROID = (
    "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 Mobile Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148"


def made(agent: str, hint: str = "") -> tuple[str | None, str | None]:
    return make_and_model(parse_user_agent(agent), hint)


def test_it_works() -> None:
    assert made(ANDROID.format("SM-S918B")) == ("Samsung", "SM-S918B")
    assert made(ANDROID.format("K"), hint="Pixel 7") == ("Google", "Pixel 7")


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (IPHONE, ("Apple", "iPhone")),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5", ("Apple", "Mac")),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0", (None, None)),
        ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", (None, None)),
        (ANDROID.format("K"), (None, None)),
        (ANDROID.format("Zyx 9000"), (None, "Zyx 9000")),
        ("rubbish", (None, None)),
        ("", (None, None)),
    ],
)
def test_user_agents(agent: str, expected: tuple[str | None, str | None]) -> None:
    assert made(agent) == expected


def test_a_hint_wins_over_the_user_agent() -> None:
    assert made(ANDROID.format("SM-S918B"), hint="Zyx 9000") == (None, "Zyx 9000")


def test_a_maker_has_one_name_with_hints_and_without() -> None:
    for model in ("SM-S918B", "Pixel 7", "Redmi Note 8", "moto g(7) power", "CPH2211", "ELE-L29", "SM-G950F"):
        brand, _ = made(ANDROID.format(model))
        assert brand
        assert made(ANDROID.format("K"), hint=model)[0] == brand


@given(st.text(max_size=LONGEST_MODEL * 2))
def test_any_hint(hint: str) -> None:
    brand, model = made(ANDROID.format("K"), hint)
    assert model == (hint[:LONGEST_MODEL] or None)
    assert brand is None or len(brand) <= LONGEST_MODEL
