import pytest

from processing.pipeline.lookups.lists import rows
from processing.pipeline.row_ops import FEW
from processing.pipeline.steps.place import place
from tests.support.raw_rows import ga4, stepped


def test_it_works() -> None:
    found = stepped(place, ga4(country="DE"), ga4(country=None))
    assert found["country"].to_list() == ["Germany", None]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("us", "United States"),
        ("GB", "United Kingdom"),
        ("CI", "Côte d’Ivoire"),
        ("XX", None),
        ("", None),
        ("x" * 99, None),
    ],
)
def test_codes(code: str, name: str | None) -> None:
    assert stepped(place, ga4(country=code))["country"].to_list() == [name]


def test_many_rows_and_few_agree() -> None:
    found = stepped(place, *(ga4(at, country=code) for at, code in enumerate(["FR", None, "ZZ"] * FEW)))
    assert found["country"].to_list() == ["France", None, None] * FEW


def test_the_list_has_every_country_once() -> None:
    countries = rows("countries")
    assert len({code for code, _ in countries}) == len({name for _, name in countries}) == len(countries) == 250
    assert all(len(code) == 2 and code.isupper() for code, _ in countries)
